// The connected sockets of one namespace whose state the sidecar keeps, and what it was told of each.
//
// A session begins with CONNECT and ends with the socket. What is told goes into the sidecar's log in the
// order in which it happened, between the messages.
import { rethrowLater } from "./calmly";
import { ValueError } from "./errors";
import { toWireName } from "./names";
import type { Recovery } from "./recovery";
import { isMarked, LateMessages, type Marks } from "./recovery-late";
import { offsetOf, type MessageId } from "./recovery-messages";
import type { RecoverableSocket } from "./recovery-sockets";
import { encodeValue } from "./values";
import { SessionOp } from "./wire";

const NOTHING = Buffer.alloc(0);
const NO_MARKS: Marks = new Map();
const SESSION = Symbol("socketmesh session");

interface Session {
  readonly socket: RecoverableSocket;
  /** The newest message that was written to it, and the newest that the sidecar was told of. */
  last: MessageId | undefined;
  toldLast: MessageId | undefined;
  toldData: Buffer;
  /** What it had before its CONNECT, while some of that may still come. */
  marks: Marks | undefined;
  /** As it was restored with; a new one's is 0. */
  readonly generation: number;
}

type WithSession = { [SESSION]?: Session };

function sessionOf(socket: object): Session | undefined {
  return (socket as WithSession)[SESSION];
}

export class Sessions {
  readonly late = new LateMessages();
  private readonly wireName: string;
  private readonly byId = new Map<string, Session>();
  private readonly byPid = new Map<string, RecoverableSocket>();
  private readonly marked = new Set<Session>();
  private scan: Iterator<Session> | undefined;

  constructor(
    private readonly recovery: Recovery,
    private readonly nsp: string,
  ) {
    this.wireName = toWireName(nsp);
  }

  has(sid: string): boolean {
    return this.byId.has(sid);
  }

  socketOf(pid: string): RecoverableSocket | undefined {
    return this.byPid.get(pid);
  }

  // ---- one message --------------------------------------------------------------------------------

  wrote(socket: object, id: MessageId): void {
    const session = sessionOf(socket);
    if (session !== undefined) session.last = id;
  }

  /** Whether this socket was replayed the message before it came. */
  had(socket: object, id: MessageId): boolean {
    return isMarked(sessionOf(socket)?.marks, id);
  }

  // ---- from CONNECT on ----------------------------------------------------------------------------

  begin(socket: RecoverableSocket, generation = 0): void {
    const session: Session = { socket, last: undefined, toldLast: undefined, toldData: NOTHING, marks: undefined, generation };
    (socket as WithSession)[SESSION] = session;
    this.byId.set(socket.id, session);
    this.byPid.set(socket.pid!, socket);
    this.open(session);
  }

  /** The newest message that it knows is this one, if any. */
  seen(socket: RecoverableSocket, offset: MessageId | undefined): void {
    const session = sessionOf(socket);
    if (session !== undefined) session.last = offset;
  }

  /** It was restored, with this offset, and has what the marks name. `now` in ms. */
  restored(socket: RecoverableSocket, offset: MessageId | undefined, marks: Marks, now: number): void {
    const session = sessionOf(socket);
    if (session === undefined) return;
    session.last = offset;
    session.marks = marks;
    this.marked.add(session);
    this.late.expect(marks, (origin) => this.recovery.taken(origin), now);
  }

  joining(id: string, rooms: Iterable<unknown>, known: ReadonlySet<unknown> | undefined): void {
    const session = this.byId.get(id);
    if (session !== undefined) this.changeRooms(SessionOp.Join, session, [...rooms].filter((room) => !known?.has(room)));
  }

  leaving(id: string, rooms: Iterable<unknown>): void {
    const session = this.byId.get(id);
    if (session !== undefined) this.changeRooms(SessionOp.Leave, session, [...rooms]);
  }

  /** The socket is closed and may come back. */
  persist(sid: string): void {
    const session = this.byId.get(sid);
    if (session === undefined) return;
    this.tellLast(session);
    if (this.byId.get(sid) !== session) return;
    this.about(SessionOp.Close, session, (writer) => writer.raw(encodeValue(session.socket.data)));
    this.drop(session);
  }

  /** The socket is gone for ever. False: it had no session. */
  removed(socket: RecoverableSocket): boolean {
    const session = sessionOf(socket);
    if (session === undefined) return false;
    this.end(session);
    return true;
  }

  // ---- from time to time ---------------------------------------------------------------------------

  /** Every connected socket, to a sidecar that may know none. */
  openAll(): void {
    for (const session of [...this.byId.values()]) this.open(session);
  }

  tellAllLast(): void {
    for (const session of [...this.byId.values()]) this.tellLast(session);
  }

  /** Looks at so many sockets' data at most, going on where it was; returns how many are left. */
  checkData(most: number): number {
    for (; most > 0; most--) {
      this.scan ??= this.byId.values();
      const next = this.scan.next();
      if (next.done === true) {
        this.scan = undefined;
        break;
      }
      this.compareData(next.value);
    }
    return most;
  }

  /** Marks go when nothing late can come any more. `now` in ms. */
  sweep(now: number): void {
    this.late.sweep(now);
    if (this.late.size > 0) return;
    for (const session of this.marked) session.marks = undefined;
    this.marked.clear();
  }

  // ---- what is told ----------------------------------------------------------------------------------

  private open(session: Session): void {
    const { socket, last, generation } = session;
    session.toldLast = last;
    this.about(SessionOp.Open, session, (writer) => {
      writer.string(socket.pid!).varint(socket.rooms.size);
      for (const room of socket.rooms) writer.string(toWireName(room));
      const marks: Marks = session.marks ?? NO_MARKS;
      writer.u64(generation).varint(marks.size);
      for (const [origin, seq] of marks) writer.raw(Buffer.from(origin, "hex")).u64(seq);
      writer.string(last === undefined ? "" : offsetOf(last));
      session.toldData = encodeValue(socket.data);
      writer.raw(session.toldData);
    });
  }

  private changeRooms(op: SessionOp, session: Session, rooms: unknown[]): void {
    if (rooms.length === 0) return;
    this.about(op, session, (writer) => {
      writer.varint(rooms.length);
      for (const room of rooms) writer.string(toWireName(room));
    });
  }

  private tellLast(session: Session): void {
    const { last } = session;
    if (last === undefined || last === session.toldLast) return;
    session.toldLast = last;
    this.about(SessionOp.Last, session, (writer) => writer.string(offsetOf(last)));
  }

  private compareData(session: Session): void {
    this.attempt(session, () => {
      const data = encodeValue(session.socket.data);
      if (data.equals(session.toldData)) return;
      session.toldData = data;
      this.about(SessionOp.Data, session, (writer) => writer.raw(data));
    });
  }

  /** One word on a session. One that can't be told leaves no session. */
  private about(op: SessionOp, session: Session, fill: Parameters<Recovery["tell"]>[1]): void {
    if (!this.recovery.on) return;
    this.attempt(session, () => {
      const told = this.recovery.tell(op, (writer) => {
        writer.string(this.wireName).string(session.socket.id);
        fill(writer);
      });
      if (!told) this.end(session);
    });
  }

  /** socket.data may be what no other server can be given, or its toJSON() may throw. */
  private attempt(session: Session, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.end(session);
      if (!(error instanceof ValueError)) rethrowLater(error);
    }
  }

  private end(session: Session): void {
    this.drop(session);
    if (this.recovery.on) this.recovery.end(this.nsp, session.socket.id);
  }

  private drop(session: Session): void {
    const { socket } = session;
    delete (socket as WithSession)[SESSION];
    this.marked.delete(session);
    if (this.byId.get(socket.id) === session) this.byId.delete(socket.id);
    if (this.byPid.get(socket.pid!) === socket) this.byPid.delete(socket.pid!);
  }
}

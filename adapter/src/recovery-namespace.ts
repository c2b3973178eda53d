// Recovery in one namespace: which of its sockets have a session, what the sidecar knows of each, and
// what those wait for that are being restored.
//
// A session begins with CONNECT and ends with the socket. From RESTORE until the CONNECT of the restored
// socket every message is remembered that it might have missed; it is written right behind CONNECT.
import type { BroadcastOptions, Session as RestoredSession } from "socket.io-adapter";
import { rethrowLater } from "./calmly";
import { ValueError } from "./errors";
import { MAX_SESSION_KEY_CHARS, REMEMBERED_BYTES } from "./limits";
import { toWireName } from "./names";
import type { Chunk } from "./packets";
import type { Recovery } from "./recovery";
import { isMarked, LateMessages, type Marks } from "./recovery-late";
import { offsetOf, parseOffset, RememberedMessages, type Message, type MessageId } from "./recovery-messages";
import { inReplay, type Restored } from "./recovery-replies";
import { closeNow, hook, type RecoverableNamespace, type RecoverableSocket } from "./recovery-sockets";
import { encodeValue } from "./values";
import { SessionOp } from "./wire";

const NOTHING = Buffer.alloc(0);
const SESSION = Symbol("socketmesh session");

/** A connected socket whose state the sidecar keeps. */
interface Session {
  readonly socket: RecoverableSocket;
  /** The newest message that was written to it, and the newest that the sidecar was told of. */
  last: MessageId | undefined;
  toldLast: MessageId | undefined;
  toldData: Buffer;
  /** What it had before its CONNECT, while some of that may still come. */
  marks: Marks | undefined;
}

/** A session that is here, and whose socket is not connected yet. */
interface Arrival {
  readonly request: number;
  readonly session: Restored;
  readonly rooms: ReadonlySet<unknown>;
  readonly replay: Message[];
  readonly presented: MessageId | undefined;
  socket: RecoverableSocket | undefined;
  failed: boolean;
}

type WithSession = { [SESSION]?: Session };

export class RecoveryNamespace {
  readonly name: string;
  private readonly wireName: string;
  private readonly sessions = new Map<string, Session>();
  private readonly byPid = new Map<string, RecoverableSocket>();
  private readonly arrivals = new Map<string, Arrival>();
  /** Requests that are under way, by pid; and the first message that each may want, oldest first. */
  private readonly requests = new Map<string, number>();
  private readonly starts = new Map<number, number>();
  private readonly remembered = new RememberedMessages();
  private scan: Iterator<Session> | undefined;
  private readonly lateMessages = new LateMessages();
  private readonly marked = new Set<Session>();
  private writing: MessageId | undefined;
  private writingLate = false;
  private over = false;

  constructor(
    private readonly recovery: Recovery,
    private readonly nsp: RecoverableNamespace,
  ) {
    this.name = nsp.name;
    this.wireName = toWireName(nsp.name);
    hook(nsp, {
      created: (socket) => this.created(socket),
      connected: (socket) => this.connected(socket),
      removed: (socket) => this.removed(socket),
    });
  }

  // ---- messages ----------------------------------------------------------------------------------

  /** A message with an offset is about to be delivered here. */
  delivering(id: MessageId, opts: BroadcastOptions, chunks: () => readonly Chunk[]): void {
    this.writing = id;
    this.writingLate = this.lateMessages.size > 0 && this.lateMessages.concerns(id);
    if (this.starts.size === 0) return;
    this.remembered.push(id, opts, chunks());
    // The oldest needs the most.
    for (const request of [...this.starts.keys()]) {
      if (this.remembered.bytes <= REMEMBERED_BYTES) break;
      this.fail(request);
    }
  }

  /** The message that is being written to sockets now; each is asked for once. */
  take(): MessageId | undefined {
    const id = this.writing;
    this.writing = undefined;
    return id;
  }

  get late(): boolean {
    return this.writingLate;
  }

  /** Whether this socket was replayed the message before it came. */
  had(socket: object, id: MessageId): boolean {
    return isMarked((socket as WithSession)[SESSION]?.marks, id);
  }

  /** Marks go when nothing late can come any more. */
  sweep(now: number): void {
    this.lateMessages.sweep(now);
    if (this.lateMessages.size > 0) return;
    for (const session of this.marked) session.marks = undefined;
    this.marked.clear();
  }

  wrote(socket: object, id: MessageId): void {
    const session = (socket as WithSession)[SESSION];
    if (session !== undefined) session.last = id;
  }

  // ---- sessions ----------------------------------------------------------------------------------

  /** Every connected socket, to a sidecar that may know none. */
  openAll(): void {
    for (const session of [...this.sessions.values()]) {
      session.toldLast = undefined;
      this.open(session);
      this.tellLast(session);
    }
  }

  private open(session: Session): void {
    const { socket } = session;
    this.about(SessionOp.Open, session, (writer) => {
      writer.string(socket.pid!).varint(socket.rooms.size);
      for (const room of socket.rooms) writer.string(toWireName(room));
      session.toldData = encodeValue(socket.data);
      writer.raw(session.toldData);
    });
  }

  joining(id: string, rooms: Iterable<unknown>, known: ReadonlySet<unknown> | undefined): void {
    const session = this.sessions.get(id);
    if (session !== undefined) this.changeRooms(SessionOp.Join, session, [...rooms].filter((room) => !known?.has(room)));
  }

  leaving(id: string, rooms: Iterable<unknown>): void {
    const session = this.sessions.get(id);
    if (session !== undefined) this.changeRooms(SessionOp.Leave, session, [...rooms]);
  }

  private changeRooms(op: SessionOp, session: Session, rooms: unknown[]): void {
    if (rooms.length === 0) return;
    this.about(op, session, (writer) => {
      writer.varint(rooms.length);
      for (const room of rooms) writer.string(toWireName(room));
    });
  }

  tellAllLast(): void {
    for (const session of [...this.sessions.values()]) this.tellLast(session);
  }

  private tellLast(session: Session): void {
    const { last } = session;
    if (last === undefined || last === session.toldLast) return;
    session.toldLast = last;
    this.about(SessionOp.Last, session, (writer) => writer.string(offsetOf(last)));
  }

  /** Looks at so many sockets' data at most, going on where it was; returns how many are left. */
  checkData(most: number): number {
    for (; most > 0; most--) {
      this.scan ??= this.sessions.values();
      const next = this.scan.next();
      if (next.done === true) {
        this.scan = undefined;
        break;
      }
      const session = next.value;
      this.attempt(session, () => {
        const data = encodeValue(session.socket.data);
        if (data.equals(session.toldData)) return;
        session.toldData = data;
        this.about(SessionOp.Data, session, (writer) => writer.raw(data));
      });
    }
    return most;
  }

  /** The socket is closed and may come back. */
  persist(sid: string): void {
    const session = this.sessions.get(sid);
    if (session === undefined) return;
    this.tellLast(session);
    if (this.sessions.get(sid) !== session) return;
    this.about(SessionOp.Close, session, (writer) => writer.raw(encodeValue(session.socket.data)));
    this.drop(session);
  }

  /** By order of the sidecar. False: there is no such socket. */
  close(sid: string): boolean {
    const socket = this.nsp.sockets.get(sid);
    if (socket === undefined || !this.sessions.has(sid)) return false;
    closeNow(socket);
    return true;
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
    if (this.recovery.on) this.recovery.end(this.name, session.socket.id);
  }

  private drop(session: Session): void {
    const { socket } = session;
    delete (socket as WithSession)[SESSION];
    this.marked.delete(session);
    if (this.sessions.get(socket.id) === session) this.sessions.delete(socket.id);
    if (this.byPid.get(socket.pid!) === socket) this.byPid.delete(socket.pid!);
  }

  // ---- restoring ---------------------------------------------------------------------------------

  restore(pid: string, offset: string): Promise<RestoredSession | null> {
    const presented = parseOffset(offset);
    if (pid.length > MAX_SESSION_KEY_CHARS || (offset !== "" && presented === undefined)) return Promise.resolve(null);
    if (!this.recovery.asks) return Promise.resolve(null);
    // A client that is here again while we believe it to be here still.
    const earlier = this.requests.get(pid);
    if (earlier !== undefined) this.fail(earlier);
    const old = this.byPid.get(pid);
    if (old !== undefined) closeNow(old);
    // Socket.IO may have closed the namespace with its last socket.
    if (this.over) return Promise.resolve(null);
    return new Promise((resolve) => {
      const request = this.recovery.ask(this, pid, offset, (session, replay) => {
        if (session === undefined) {
          this.finish(request, pid);
          resolve(null);
          return;
        }
        const rooms = new Set<unknown>(session.rooms);
        this.arrivals.set(session.sid, { request, session, rooms, replay, presented, socket: undefined, failed: false });
        resolve({ sid: session.sid, pid, rooms: [...session.rooms], data: session.data, missedPackets: [] });
      });
      if (request === 0) {
        resolve(null);
        return;
      }
      this.requests.set(pid, request);
      this.starts.set(request, this.remembered.end);
    });
  }

  /** A restore is over, in whatever way: its messages are needed no more. */
  private finish(request: number, pid: string): void {
    if (this.requests.get(pid) === request) this.requests.delete(pid);
    this.starts.delete(request);
    let oldest = this.remembered.end;
    for (const start of this.starts.values()) {
      oldest = start;
      break;
    }
    this.remembered.forget(oldest);
  }

  /** The restore can't be completed: the client begins anew, or comes again. */
  private fail(request: number): void {
    for (const arrival of this.arrivals.values()) {
      if (arrival.request === request) this.failArrival(arrival);
    }
    this.recovery.giveUp(request);
  }

  private failArrival(arrival: Arrival): void {
    arrival.failed = true;
    if (arrival.socket !== undefined) this.abandon(arrival.socket);
  }

  failArrivals(): void {
    for (const arrival of [...this.arrivals.values()]) this.failArrival(arrival);
  }

  /** The namespace is closed here. A client that comes to it now has to come again. */
  closed(): void {
    this.over = true;
    this.failArrivals();
  }

  private created(socket: RecoverableSocket): void {
    const arrival = socket.recovered ? this.arrivals.get(socket.id) : undefined;
    if (arrival === undefined || arrival.socket !== undefined) {
      if (this.over) closeNow(socket);
      return;
    }
    arrival.socket = socket;
    const { conn } = socket.client;
    if (arrival.failed || conn.readyState !== "open") this.abandon(socket);
    else conn.once("close", () => this.abandon(socket));
  }

  /**
   * The connection of a restored socket is of no use before it was connected. Socket.IO would clean up
   * only when the middlewares are done, and by then the id may be that of another socket.
   */
  private abandon(socket: RecoverableSocket): void {
    const arrival = this.arrivals.get(socket.id);
    if (arrival?.socket !== socket) return;
    this.declined(arrival, socket);
    socket._cleanup();
    const waiting = this.nsp._preConnectSockets;
    socket._cleanup = () => {
      if (waiting.get(socket.id) === socket) waiting.delete(socket.id);
    };
    closeNow(socket);
  }

  private declined(arrival: Arrival, socket: RecoverableSocket): void {
    this.arrivals.delete(socket.id);
    this.finish(arrival.request, socket.pid!);
    this.recovery.end(this.name, socket.id);
  }

  // ---- sockets -----------------------------------------------------------------------------------

  private connected(socket: RecoverableSocket): void {
    const { pid } = socket;
    // Clients of an older protocol are not told their pid.
    if (pid === undefined || socket.client.conn.protocol === 3) return;
    const session: Session = { socket, last: undefined, toldLast: undefined, toldData: NOTHING, marks: undefined };
    (socket as WithSession)[SESSION] = session;
    this.sessions.set(socket.id, session);
    this.byPid.set(pid, socket);
    this.open(session);
    const arrival = this.arrivals.get(socket.id);
    if (arrival?.socket !== socket) return;
    this.arrivals.delete(socket.id);
    session.last = arrival.presented;
    session.marks = arrival.session.marks;
    this.marked.add(session);
    this.lateMessages.expect(session.marks, (origin) => this.recovery.taken(origin), performance.now());
    const missed = this.missedBy(arrival);
    this.finish(arrival.request, pid);
    for (const { id, chunks, compress } of missed) {
      socket.client.writeToEngine(chunks, { preEncoded: true, compress });
      session.last = id;
    }
  }

  private missedBy(arrival: Arrival): Message[] {
    const has = inReplay(arrival.session.marks, arrival.replay);
    const start = this.starts.get(arrival.request)!;
    return [...arrival.replay, ...this.remembered.since(start, arrival.rooms, has)];
  }

  private removed(socket: RecoverableSocket): void {
    const session = this.sessions.get(socket.id);
    if (session?.socket === socket) {
      this.end(session);
      return;
    }
    const arrival = this.arrivals.get(socket.id);
    if (arrival?.socket === socket) this.declined(arrival, socket);
  }
}

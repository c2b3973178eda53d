// Recovery in one namespace: what its sockets are sent, and how those come back that are restored.
//
// From RESTORE until the CONNECT of the restored socket every message is remembered that it might have
// missed; it is written right behind CONNECT, before any listener runs.
import type { BroadcastOptions, Session as RestoredSession } from "socket.io-adapter";
import { MAX_SESSION_KEY_CHARS, REMEMBERED_BYTES } from "./limits";
import type { Chunk } from "./packets";
import type { Recovery } from "./recovery";
import { parseOffset, RememberedMessages, type Message, type MessageId } from "./recovery-messages";
import { inReplay, type Restored } from "./recovery-replies";
import { Sessions } from "./recovery-sessions";
import { closeNow, hook, type Auth, type RecoverableNamespace, type RecoverableSocket } from "./recovery-sockets";

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

export class RecoveryNamespace {
  readonly name: string;
  readonly sessions: Sessions;
  private readonly arrivals = new Map<string, Arrival>();
  /** Requests that are under way, by pid; and the first message that each may want, oldest first. */
  private readonly requests = new Map<string, number>();
  private readonly starts = new Map<number, number>();
  private readonly remembered = new RememberedMessages();
  private writing: MessageId | undefined;
  private writingLate = false;
  private over = false;

  constructor(
    private readonly recovery: Recovery,
    private readonly nsp: RecoverableNamespace,
  ) {
    this.name = nsp.name;
    this.sessions = new Sessions(recovery, nsp.name);
    hook(nsp, {
      created: (socket) => this.created(socket),
      connected: (socket) => this.connected(socket),
      removed: (socket) => this.removed(socket),
    });
  }

  // ---- messages ----------------------------------------------------------------------------------

  /** A message with an offset is about to be delivered here. */
  delivering(id: MessageId, opts: BroadcastOptions, chunks: () => readonly Chunk[]): void {
    const { late } = this.sessions;
    this.writing = id;
    this.writingLate = late.size > 0 && late.concerns(id);
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

  /** Whether some sockets may have had it. */
  get late(): boolean {
    return this.writingLate;
  }

  had(socket: object, id: MessageId): boolean {
    return this.sessions.had(socket, id);
  }

  secure(socket: object, id: MessageId): void {
    this.recovery.secure(socket as RecoverableSocket, id);
  }

  wrote(socket: object, id: MessageId): void {
    this.sessions.wrote(socket, id);
  }

  /** By order of the sidecar. False: there is no such socket. */
  close(sid: string): boolean {
    const arrival = this.arrivals.get(sid);
    if (arrival !== undefined) {
      this.failArrival(arrival);
      return true;
    }
    const socket = this.nsp.sockets.get(sid);
    if (socket === undefined || !this.sessions.has(sid)) return false;
    closeNow(socket);
    return true;
  }

  // ---- restoring ---------------------------------------------------------------------------------

  restore(pid: string, offset: string): Promise<RestoredSession | null> {
    const presented = parseOffset(offset);
    if (pid.length > MAX_SESSION_KEY_CHARS || (offset !== "" && presented === undefined)) return Promise.resolve(null);
    if (!this.recovery.asks) return Promise.resolve(null);
    // A client that is here again while we believe it to be here still.
    const earlier = this.requests.get(pid);
    if (earlier !== undefined) this.fail(earlier);
    const old = this.sessions.socketOf(pid);
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
    const arrival = this.arrivals.get(socket.id);
    this.sessions.begin(socket, arrival?.socket === socket ? arrival.session.generation : 0);
    if (arrival?.socket !== socket) {
      // Until it has seen a message, it will come back with the offset that it has from another session.
      const { offset } = socket.handshake["auth"] as Auth;
      if (typeof offset === "string") this.sessions.seen(socket, parseOffset(offset));
      return;
    }
    this.arrivals.delete(socket.id);
    this.sessions.restored(socket, arrival.presented, arrival.session.marks, performance.now());
    const missed = this.missedBy(arrival);
    this.finish(arrival.request, pid);
    for (const { id, chunks, compress } of missed) {
      socket.client.writeToEngine(chunks, { preEncoded: true, compress });
      this.sessions.wrote(socket, id);
    }
  }

  private missedBy(arrival: Arrival): Message[] {
    const has = inReplay(arrival.session.marks, arrival.replay);
    const start = this.starts.get(arrival.request)!;
    return [...arrival.replay, ...this.remembered.since(start, arrival.rooms, has)];
  }

  private removed(socket: RecoverableSocket): void {
    if (this.sessions.removed(socket)) return;
    const arrival = this.arrivals.get(socket.id);
    if (arrival?.socket === socket) this.declined(arrival, socket);
  }
}

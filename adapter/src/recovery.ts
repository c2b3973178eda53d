// Connection state recovery, the part of one attachment: what goes to the sidecar's log and what comes
// from it. The log is the sidecar's; here is only what sockets have at hand. Exists only where the
// server's `connectionStateRecovery` is set. Tells the sidecar nothing until it has said that its own
// recovery is on.
import { ByteWriter, type ByteReader } from "./bytes";
import { calmly } from "./calmly";
import type { Client } from "./client";
import { WireError } from "./errors";
import { DATA_CHECK_MS, DATA_CHECK_SOCKETS, MAX_GIVEN_UP_RESTORES, MAX_PENDING_RESTORES, RESTORE_TIMEOUT_MS } from "./limits";
import { fromWireName, toWireName } from "./names";
import type { Route } from "./routes";
import type { RecoveryNamespace } from "./recovery-namespace";
import { readReplay, readRestored, type Restored } from "./recovery-replies";
import type { Message, MessageId } from "./recovery-messages";
import { writesNow, type RecoverableSocket } from "./recovery-sockets";
import { Flag, In, Kind, RouteKind, SessionOp, TWO_32 } from "./wire";

const TO_SIDECAR: Route = { kind: RouteKind.Mesh, section: new Uint8Array(0) };
const ONE_LOST = Uint8Array.of(1);
const ATTACHMENTS = 0xffff;

interface Asked {
  readonly nsp: RecoveryNamespace;
  readonly timer: NodeJS.Timeout;
  readonly replay: Message[];
  /** Undefined: there is no such session any more. */
  readonly done: (restored: Restored | undefined, replay: Message[]) => void;
}

export class Recovery {
  /** The sidecar's recovery is on, as far as is known. */
  on = false;
  private attachment = 0;
  private warned = false;
  private lastRequest = 0;
  private readonly namespaces = new Map<string, RecoveryNamespace>();
  private readonly asked = new Map<number, Asked>();
  /** Given up before they were answered, by the namespace's name. */
  private readonly givenUp = new Map<number, string>();
  private lastTimer: NodeJS.Timeout | undefined;
  private dataTimer: NodeJS.Timeout | undefined;
  private burst = false;
  private readonly endBurst = (): void => {
    this.burst = false;
    if (this.client.outbox.unsent > 0) this.client.flush();
  };

  constructor(private readonly client: Client) {}

  add(nsp: RecoveryNamespace): void {
    this.namespaces.set(nsp.name, nsp);
  }

  remove(nsp: RecoveryNamespace): void {
    if (this.namespaces.get(nsp.name) === nsp) this.namespaces.delete(nsp.name);
    for (const [request, asked] of [...this.asked]) if (asked.nsp === nsp) this.giveUp(request);
    nsp.closed();
  }

  // ---- to the sidecar --------------------------------------------------------------------------

  /** After how many deliveries of which attachment this was published. */
  order(view: DataView, at: number): number {
    const { delivered } = this.client.inbound;
    view.setUint16(at, this.attachment, true);
    view.setUint32(at + 2, delivered % TWO_32, true);
    view.setUint16(at + 6, delivered / TWO_32, true);
    return at + 8;
  }

  /** At the end of ATTACH, with what was taken so far: a new sidecar is sent some of it again. */
  attach(writer: ByteWriter): void {
    this.attachment = (this.attachment % ATTACHMENTS) + 1;
    const { origins } = this.client;
    writer.u8(1).u16(this.attachment).varint(origins.size);
    for (const origin of origins.values()) writer.id(origin).u64(origin.seq);
  }

  /** A message that was delivered here and can't be kept: its sequence is used up by this. */
  lose(): void {
    this.client.publisher.body(Kind.Gap, Flag.Home, TO_SIDECAR, ONE_LOST);
  }

  /**
   * A client is about to have it. Should this process be killed, the sidecar must have it, too: what a client
   * has seen and nobody else knows is an offset that proves nothing. So what was published here is written to
   * the sidecar first. In a burst it follows in one piece, before any client that is being written to takes more.
   */
  secure(socket: RecoverableSocket, { origin }: MessageId): void {
    if (origin !== this.client.id.hex || this.client.outbox.unsent === 0) return;
    if (this.burst && !writesNow(socket)) return;
    this.client.flush();
    if (this.burst) return;
    this.burst = true;
    process.nextTick(this.endBurst);
  }

  /** False: too large. */
  tell(op: SessionOp, fill: (writer: ByteWriter) => void): boolean {
    const writer = new ByteWriter(128).u8(op);
    fill(writer);
    return this.client.publisher.body(Kind.Session, Flag.Home, TO_SIDECAR, writer.take()) > 0;
  }

  /** Whether there is somebody to ask. */
  get asks(): boolean {
    return this.on && this.client.welcomed && this.asked.size < MAX_PENDING_RESTORES;
  }

  /** Returns the request, or 0 when nobody can be asked. `done` is not called then. */
  ask(nsp: RecoveryNamespace, pid: string, offset: string, done: Asked["done"]): number {
    if (!this.asks) return 0;
    this.lastRequest = (this.lastRequest % (TWO_32 - 1)) + 1;
    const request = this.lastRequest;
    const told = this.tell(SessionOp.Restore, (writer) => {
      writer.u32(request).string(toWireName(nsp.name)).string(pid).string(offset);
    });
    if (!told) return 0;
    const timer = setTimeout(() => this.giveUp(request), RESTORE_TIMEOUT_MS);
    timer.unref();
    this.asked.set(request, { nsp, timer, replay: [], done });
    return request;
  }

  /** The client gets a new session. Should the old one be found after all, it is left where it was. */
  giveUp(request: number): void {
    const asked = this.asked.get(request);
    if (asked === undefined) return;
    if (this.givenUp.size >= MAX_GIVEN_UP_RESTORES) {
      for (const oldest of this.givenUp.keys()) {
        this.givenUp.delete(oldest);
        break;
      }
    }
    this.givenUp.set(request, asked.nsp.name);
    this.settle(request, asked, undefined);
  }

  private settle(request: number, asked: Asked, restored: Restored | undefined): void {
    clearTimeout(asked.timer);
    this.asked.delete(request);
    asked.done(restored, asked.replay);
  }

  // ---- the attachment --------------------------------------------------------------------------

  /** The end of WELCOME. */
  welcomed(reader: ByteReader): void {
    this.on = reader.left > 0 && reader.u8() === 1;
    if (!this.on) {
      if (!this.warned) this.client.config.log("warn", "connectionStateRecovery is on, but the sidecar's recovery is not: no client will be recovered");
      this.warned = true;
      return;
    }
    const quarter = Math.max(1, reader.u32() / 4);
    for (const nsp of this.namespaces.values()) nsp.sessions.openAll();
    this.stopTimers();
    this.lastTimer = setInterval(() => this.tellLast(), quarter).unref();
    this.dataTimer = setInterval(() => this.checkData(), DATA_CHECK_MS).unref();
  }

  /** Nobody knows what is missed from here on by those that are about to come back. */
  detached(): void {
    this.stopTimers();
    this.incomplete();
  }

  /** Messages for this server were lost: those that are about to come back begin anew. */
  incomplete(): void {
    for (const request of [...this.asked.keys()]) this.giveUp(request);
    for (const nsp of this.namespaces.values()) nsp.failArrivals();
  }

  stopTimers(): void {
    clearInterval(this.lastTimer);
    clearInterval(this.dataTimer);
  }

  private tellLast(): void {
    for (const nsp of this.namespaces.values()) nsp.sessions.tellAllLast();
    this.tell(SessionOp.AllWritten, () => undefined);
  }

  private checkData(): void {
    let left = DATA_CHECK_SOCKETS;
    for (const nsp of this.namespaces.values()) {
      left = nsp.sessions.checkData(left);
      nsp.sessions.sweep(performance.now());
    }
  }

  // ---- from the sidecar --------------------------------------------------------------------------

  handle(type: In, reader: ByteReader): void {
    if (type === In.Restored) this.restored(reader);
    else if (type === In.Replay) this.replay(reader);
    else this.closeSession(fromWireName(reader.string()), reader.string());
  }

  private replay(reader: ByteReader): void {
    const asked = this.asked.get(reader.u32());
    if (asked !== undefined) readReplay(reader, asked.replay);
  }

  private restored(reader: ByteReader): void {
    const request = reader.u32();
    const found = reader.u8() === 0;
    const asked = this.asked.get(request);
    const nsp = asked?.nsp.name ?? this.givenUp.get(request);
    this.givenUp.delete(request);
    if (!found) {
      if (asked !== undefined) this.settle(request, asked, undefined);
      return;
    }
    const sid = reader.string();
    let restored: Restored | undefined;
    try {
      restored = asked === undefined ? undefined : readRestored(sid, reader);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.client.protocolError(error);
    }
    if (restored === undefined && nsp !== undefined) this.end(nsp, sid);
    if (asked !== undefined) this.settle(request, asked, restored);
  }

  /** The highest sequence of an origin that was delivered here. */
  taken(origin: string): number {
    return origin === this.client.id.hex ? this.client.publisher.lastSeq : this.client.origins.taken(origin);
  }

  /** The session has no socket here any more, and none that comes back. */
  end(nsp: string, sid: string): void {
    this.tell(SessionOp.End, (writer) => writer.string(toWireName(nsp)).string(sid));
  }

  private closeSession(name: string, sid: string): void {
    let closed = false;
    calmly(() => {
      closed = this.namespaces.get(name)?.close(sid) ?? false;
    });
    if (!closed) this.tell(SessionOp.Close, (writer) => writer.string(toWireName(name)).string(sid));
  }
}

// One attachment of this process to its sidecar, shared by the namespaces of one Socket.IO server.
//
// The state machine of the app protocol, without sockets: a Dialer brings bytes and takes bytes. What
// outlives an attachment lives here: the member id and its sequence, the publishes that were not taken,
// the highest sequence taken from each origin, the known peers, the requests that wait. Single-threaded;
// nothing here throws into the dialer.
import { randomBytes } from "node:crypto";
import { ByteReader, ByteWriter, memberId, type MemberId } from "./bytes";
import type { ClientConfig, Endpoint, Retry } from "./contracts";
import { Deliveries } from "./deliveries";
import type { Link, LinkHandler } from "./dialer";
import { gapFrame, writeAttach, writeEmpty, writeName } from "./frames";
import { Inbound } from "./inbound";
import type { Interest } from "./interest";
import { Joins } from "./joins";
import { FLUSH_PAUSE_MS, RECOVERY_TAKEN_DELAY_MS, RECOVERY_TAKEN_PAUSE_MS, TAKEN_BYTES, TAKEN_DELAY_MS } from "./limits";
import { Members } from "./members";
import { Origins } from "./origins";
import { Outbox } from "./outbox";
import { Publisher } from "./publisher";
import { Recovery } from "./recovery";
import { Requests } from "./requests";
import { describePeer, Telling } from "./telling";
import { Out } from "./wire";

export class Client implements LinkHandler {
  readonly id: MemberId;
  readonly endpoints = new Map<string, Endpoint>();
  readonly requests = new Requests();
  readonly joins = new Joins();
  readonly origins = new Origins();
  readonly members: Members;
  readonly outbox: Outbox;
  readonly publisher: Publisher;
  readonly inbound: Inbound;
  readonly deliveries = new Deliveries();
  readonly telling: Telling;
  /** Only where the server's connectionStateRecovery is on. */
  readonly recovery: Recovery | undefined;
  /** Whether the sidecar has taken us in, and how often. */
  welcomed = false;
  attachments = 0;

  private retry: Retry | undefined;
  private link: Link | undefined;
  private blocked = false;
  private flushPending = false;
  private flushedAt = 0;
  /** When a report was made that nothing else was written with. */
  private reportedAt = -Infinity;
  private readonly changed = new Set<Interest>();
  private readonly control = new ByteWriter(1024);
  private takenTimer: NodeJS.Timeout | undefined;
  private reportDue = false;
  private graceTimer: NodeJS.Timeout | undefined;
  private left = false;
  /** An outage is told once. */
  private missing = false;
  private lastRefusal = "";
  private readonly flushSoon = (): void => {
    if (this.flushPending) this.flush();
  };
  private written: () => void = () => undefined;

  constructor(readonly config: ClientConfig) {
    const random = randomBytes(8);
    this.id = memberId(random.readUInt32LE(0), random.readUInt32LE(4));
    this.telling = new Telling(this.endpoints, config.log);
    this.members = new Members({
      present: (member, nsp) => this.telling.one(nsp, "peer-up", describePeer(member)),
      absent: (member, nsp, reason) => {
        this.requests.gone(member.id.hex, nsp);
        this.telling.one(nsp, "peer-down", { ...describePeer(member), reason });
      },
    });
    this.outbox = new Outbox(config.bufferBytes, () => {
      if (this.attached && !this.blocked) this.flush();
    });
    this.publisher = new Publisher(this.id, this.outbox, this);
    this.publisher.maxFrameBytes = config.maxPublishBytes;
    this.inbound = new Inbound(this);
    this.recovery = config.recovery ? new Recovery(this) : undefined;
  }

  /** A connection is open; our state has been written to it. */
  get attached(): boolean {
    return this.link !== undefined;
  }

  attach(retry: Retry): void {
    this.retry = retry;
  }

  // ---- namespaces ------------------------------------------------------------------------------

  register(endpoint: Endpoint): void {
    const replaced = this.endpoints.get(endpoint.nspName);
    if (replaced !== undefined) this.unregister(replaced);
    this.endpoints.set(endpoint.nspName, endpoint);
    if (this.attached) {
      writeName(this.control, Out.NspOpen, endpoint.nspName);
      this.wake();
    }
    for (const member of this.members.in(endpoint.nspName).values()) {
      this.telling.one(endpoint.nspName, "peer-up", describePeer(member));
    }
  }

  unregister(endpoint: Endpoint): void {
    if (this.endpoints.get(endpoint.nspName) !== endpoint) return;
    for (const room of endpoint.roomNames()) endpoint.interest.change(room, false);
    if (this.attached) {
      endpoint.interest.write(this.control);
      this.changed.delete(endpoint.interest);
      writeName(this.control, Out.NspClose, endpoint.nspName);
      this.wake();
    }
    this.endpoints.delete(endpoint.nspName);
    this.requests.drop(endpoint.nspName);
  }

  // ---- writing ---------------------------------------------------------------------------------

  /**
   * One flush, however much it is asked for. After a pause at the end of the running callback, which
   * saves a turn of the loop; in a rush at the end of the turn, so that what many callbacks of it ask for
   * leaves in one write.
   */
  wake(): void {
    if (this.flushPending || this.link === undefined) return;
    this.flushPending = true;
    if (performance.now() - this.flushedAt > FLUSH_PAUSE_MS) process.nextTick(this.flushSoon);
    else setImmediate(this.flushSoon);
  }

  /** Rooms of a namespace came or went. A new attachment tells all of them anyway. */
  interestChanged(interest: Interest): void {
    if (this.link === undefined) return;
    this.changed.add(interest);
    this.wake();
  }

  /** A promise for the rooms that were added so far; undefined: there is nobody to wait for. */
  joined(): Promise<void> | undefined {
    if (this.link === undefined) return undefined;
    const promise = this.joins.wait();
    if (promise !== undefined) this.wake();
    return promise;
  }

  flush(): void {
    this.flushPending = false;
    this.flushedAt = performance.now();
    const link = this.link;
    if (link === undefined || this.blocked) return;
    for (const interest of this.changed) interest.write(this.control);
    this.changed.clear();
    const sync = this.joins.flush();
    if (sync !== undefined) {
      const mark = this.control.open(Out.Sync);
      this.control.u32(sync).close(mark);
    }
    const data = this.outbox.unsent > 0;
    const { unreported, unreportedBytes } = this.inbound;
    const report = unreported > 0 && (data || this.reportDue || unreportedBytes >= TAKEN_BYTES);
    // Recovery's log wants to know what was published before these deliveries.
    const reportLast = report && this.recovery !== undefined;
    if (report && !reportLast) this.writeTaken();
    // Interest and reports go first: what others answer to the data finds them.
    const both = data && (this.control.length > 0 || reportLast);
    if (both) link.cork();
    if (this.control.length > 0) this.write(this.control.take());
    if (data) {
      this.outbox.drain(
        (bytes) => this.write(bytes, this.written),
        (lost) => this.write(gapFrame(this.id, lost)),
      );
    }
    if (reportLast && this.outbox.unsent === 0) {
      this.writeTaken();
      this.write(this.control.take());
    }
    if (both) link.uncork();
  }

  /** Writes what is left and says goodbye; the dialer then ends the connection. */
  leave(): void {
    clearTimeout(this.graceTimer);
    clearTimeout(this.takenTimer);
    this.recovery?.stopTimers();
    if (this.link === undefined) return;
    do {
      this.blocked = false;
      this.flush();
    } while (this.outbox.unsent > 0);
    writeEmpty(this.control, Out.Detach);
    this.link.write(this.control.take());
    this.link = undefined;
    this.left = true;
  }

  private write(bytes: Uint8Array, done?: () => void): boolean {
    if (!this.link!.write(bytes, done)) this.blocked = true;
    return !this.blocked;
  }

  private writeTaken(): void {
    this.reportDue = false;
    const mark = this.control.open(Out.Taken);
    this.control.u64(this.inbound.report()).close(mark);
  }

  // ---- the connection --------------------------------------------------------------------------

  opened(link: Link): void {
    this.link = link;
    // The last callbacks of an earlier connection may come late; they are not about this one.
    this.written = () => {
      if (this.link === link) this.outbox.written();
    };
    this.blocked = false;
    this.control.clear();
    this.changed.clear();
    const control = this.control;
    writeAttach(control, this.id, this.config, this.members, this.recovery);
    this.inbound.reset();
    for (const endpoint of this.endpoints.values()) {
      writeName(control, Out.NspOpen, endpoint.nspName);
      endpoint.interest.snapshot(control, endpoint.roomNames());
    }
    writeEmpty(control, Out.Ready);
    // Peers don't know of this snapshot yet: an awaited join has to wait for it.
    this.joins.added();
    this.write(control.take());
    const lost = this.outbox.begin();
    if (lost !== undefined) this.write(gapFrame(this.id, lost));
    this.wake();
  }

  received(buffer: Buffer, length: number): void {
    if (this.link === undefined) return;
    try {
      this.inbound.feed(buffer, length);
    } catch (error) {
      this.protocolError(error);
      this.cut(error instanceof Error ? error.message : "protocol error");
      return;
    }
    if (this.inbound.unreported === 0) return;
    if (this.inbound.unreportedBytes >= TAKEN_BYTES) this.wake();
    else this.reportSoon();
  }

  drained(): void {
    this.blocked = false;
    this.flush();
  }

  closed(reason: string): void {
    if (this.left) return;
    this.link = undefined;
    const wasWelcomed = this.welcomed;
    this.welcomed = false;
    clearTimeout(this.takenTimer);
    this.takenTimer = undefined;
    this.outbox.detach();
    this.joins.detached();
    this.recovery?.detached();
    if (this.members.size > 0 && this.graceTimer === undefined) {
      this.graceTimer = setTimeout(() => {
        this.graceTimer = undefined;
        this.members.allDown("unreachable");
      }, this.config.detachedGraceMs);
      this.graceTimer.unref();
    }
    if (!wasWelcomed) return;
    this.config.log("warn", `detached from the sidecar: ${reason}`);
    this.telling.all("detached", { reason });
  }

  failed(reason: string): void {
    this.config.log(this.missing ? "debug" : "warn", `no sidecar yet, trying on: ${reason}`);
    this.missing = true;
  }

  private reportSoon(): void {
    if (this.takenTimer !== undefined) return;
    this.takenTimer = setTimeout(() => {
      this.takenTimer = undefined;
      if (this.link === undefined || this.inbound.unreported === 0) return;
      this.reportDue = true;
      this.reportedAt = performance.now();
      this.flush();
    }, this.reportDelay());
    this.takenTimer.unref();
  }

  private reportDelay(): number {
    if (!this.recovery?.on) return TAKEN_DELAY_MS;
    return Math.max(RECOVERY_TAKEN_DELAY_MS, this.reportedAt + RECOVERY_TAKEN_PAUSE_MS - performance.now());
  }

  // ---- what the sidecar says (called by Inbound) --------------------------------------------------

  onWelcome(reader: ByteReader): void {
    reader.u8();
    reader.u64();
    const sidecar = reader.string();
    const mesh = reader.string();
    this.publisher.maxFrameBytes = Math.min(this.config.maxPublishBytes, reader.u32());
    this.welcomed = true;
    this.recovery?.welcomed(reader);
    this.attachments++;
    this.lastRefusal = "";
    this.missing = false;
    clearTimeout(this.graceTimer);
    this.graceTimer = undefined;
    this.retry?.welcomed();
    this.config.log("info", `attached to sidecar ${sidecar} of mesh ${mesh}`);
    this.telling.all("attached", { member: this.id.hex, sidecar, mesh });
  }

  onRefused(code: number, message: string): void {
    this.retry?.refused();
    if (message !== this.lastRefusal) {
      this.lastRefusal = message;
      this.config.log("error", `the sidecar refused this server: ${message}`);
    }
    this.telling.all("refused", { code, message });
    this.cut(`refused: ${message}`);
  }

  onPing(token: Uint8Array): void {
    const mark = this.control.open(Out.Pong);
    this.control.raw(token).close(mark);
    this.wake();
  }

  order(view: DataView, at: number): number {
    return this.recovery!.order(view, at);
  }

  unsendable(reason: string): void {
    this.telling.unsendable(reason);
  }

  protocolError(error: unknown): void {
    this.inbound.broken++;
    this.telling.protocolError(error);
  }

  private cut(reason: string): void {
    const link = this.link;
    this.link = undefined;
    link?.destroy(reason);
  }
}

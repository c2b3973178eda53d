// One attachment of this process to its sidecar, shared by the namespaces of one Socket.IO server.
//
// The state machine of the app protocol, without sockets: a Dialer brings bytes and takes bytes. What
// outlives an attachment lives here: the member id and its sequence, the publishes that were not taken,
// the highest sequence taken from each origin, the known peers, the requests that wait. Single-threaded;
// nothing here throws into the dialer.
import { randomBytes } from "node:crypto";
import { ByteReader, ByteWriter, memberId, type MemberId } from "./bytes";
import { calmly } from "./calmly";
import { Deliveries } from "./deliveries";
import { WireError } from "./errors";
import type { AdapterEvents, Gap } from "./events";
import { Inbound } from "./inbound";
import type { Interest } from "./interest";
import { Joins } from "./joins";
import { TAKEN_BYTES, TAKEN_DELAY_MS } from "./limits";
import type { Link, LinkHandler } from "./dialer";
import { toWireName } from "./names";
import { Members, type Member } from "./members";
import { Origins } from "./origins";
import { Outbox, type Lost } from "./outbox";
import { Publisher } from "./publisher";
import { Requests } from "./requests";
import type { DecodedRoute } from "./routes";
import { APP_PROTOCOL_VERSION, DATA, Kind, Out, RouteKind, TWO_32 } from "./wire";

/** One namespace of this server. */
export interface Endpoint {
  readonly nspName: string;
  readonly interest: Interest;
  roomNames(): Iterable<unknown>;
  /** A DATA frame; its body lies at [start, end) until the call returns. */
  receive(frame: Frame, route: DecodedRoute, buffer: Buffer, start: number, end: number): void;
  tell<E extends keyof AdapterEvents>(event: E, ...detail: AdapterEvents[E]): void;
}

/** The header of a DATA frame. One object, filled anew for each frame. */
export interface Frame {
  kind: Kind;
  flags: number;
  origin: MemberId;
  seq: number;
}

export interface ClientConfig {
  readonly name: string;
  readonly mesh: string;
  readonly fingerprint: string;
  readonly bufferBytes: number;
  readonly maxPublishBytes: number;
  readonly detachedGraceMs: number;
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string) => void;
}

/** What the client asks of the dialer. */
export interface Retry {
  welcomed(): void;
  refused(): void;
}

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
  /** Whether the sidecar has taken us in, and how often. */
  welcomed = false;
  attachments = 0;

  private retry: Retry | undefined;
  private link: Link | undefined;
  private blocked = false;
  private flushPending = false;
  private readonly control = new ByteWriter(1024);
  private takenTimer: NodeJS.Timeout | undefined;
  private graceTimer: NodeJS.Timeout | undefined;
  private left = false;
  private lastRefusal = "";
  private readonly flushSoon = (): void => this.flush();

  constructor(readonly config: ClientConfig) {
    const random = randomBytes(8);
    this.id = memberId(random.readUInt32LE(0), random.readUInt32LE(4));
    this.members = new Members({
      present: (member, nsp) => this.tell(nsp, "peer-up", describe(member)),
      absent: (member, nsp, reason) => {
        this.requests.gone(member.id.hex, nsp);
        this.tell(nsp, "peer-down", { ...describe(member), reason });
      },
    });
    this.outbox = new Outbox(config.bufferBytes, () => {
      if (this.attached && !this.blocked) this.flush();
    });
    this.publisher = new Publisher(this.id, this.outbox, this);
    this.publisher.maxFrameBytes = config.maxPublishBytes;
    this.inbound = new Inbound(this);
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
    if (this.attached) this.controlFrame(Out.NspOpen, (writer) => writer.string(toWireName(endpoint.nspName)));
    for (const member of this.members.in(endpoint.nspName).values()) {
      endpoint.tell("peer-up", describe(member));
    }
  }

  unregister(endpoint: Endpoint): void {
    if (this.endpoints.get(endpoint.nspName) !== endpoint) return;
    for (const room of endpoint.roomNames()) endpoint.interest.change(room, false);
    if (this.attached) {
      endpoint.interest.write(this.control);
      this.controlFrame(Out.NspClose, (writer) => writer.string(toWireName(endpoint.nspName)));
    }
    this.endpoints.delete(endpoint.nspName);
    this.requests.drop(endpoint.nspName);
  }

  // ---- writing ---------------------------------------------------------------------------------

  /** One flush at the end of the loop turn, however much it is asked for. */
  wake(): void {
    if (this.flushPending || this.link === undefined) return;
    this.flushPending = true;
    setImmediate(this.flushSoon);
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
    const link = this.link;
    if (link === undefined || this.blocked) return;
    for (const endpoint of this.endpoints.values()) {
      if (endpoint.interest.dirty) endpoint.interest.write(this.control);
    }
    const sync = this.joins.flush();
    if (sync !== undefined) {
      const mark = this.control.open(Out.Sync);
      this.control.u32(sync).close(mark);
    }
    const data = this.outbox.unsent > 0;
    if (this.inbound.unreported > 0 && (data || this.inbound.unreportedBytes >= TAKEN_BYTES)) this.writeTaken();
    // Interest and reports go first: what others answer to the data finds them.
    const both = data && this.control.length > 0;
    if (both) link.cork();
    if (this.control.length > 0) this.write(this.control.take());
    if (data) {
      this.outbox.drain(
        (bytes) => this.write(bytes),
        (lost) => this.write(this.gapFrame(lost)),
      );
    }
    if (both) link.uncork();
  }

  /** Writes what is left and says goodbye; the dialer then ends the connection. */
  leave(): void {
    clearTimeout(this.graceTimer);
    clearTimeout(this.takenTimer);
    if (this.link === undefined) return;
    this.blocked = false;
    this.flush();
    this.controlFrame(Out.Detach, (writer) => writer);
    this.link.write(this.control.take());
    this.link = undefined;
    this.left = true;
  }

  private write(bytes: Uint8Array): boolean {
    if (!this.link!.write(bytes)) this.blocked = true;
    return !this.blocked;
  }

  private controlFrame(type: Out, fill: (writer: ByteWriter) => ByteWriter): void {
    const mark = this.control.open(type);
    fill(this.control).close(mark);
    this.wake();
  }

  private writeTaken(): void {
    const mark = this.control.open(Out.Taken);
    this.control.u64(this.inbound.report()).close(mark);
  }

  private gapFrame(lost: Lost): Buffer {
    const writer = new ByteWriter(64);
    const mark = writer.open(DATA);
    writer.u8(0).u8(RouteKind.Mesh).u8(Kind.Gap).u32(0).id(this.id).u64(lost.seq);
    return writer.varint(Math.min(lost.count, TWO_32 - 1)).close(mark).take();
  }

  // ---- the connection --------------------------------------------------------------------------

  opened(link: Link): void {
    this.link = link;
    this.blocked = false;
    this.inbound.reset();
    this.control.clear();
    const { control, config } = this;
    let mark = control.open(Out.Attach);
    control.u8(APP_PROTOCOL_VERSION).u8(APP_PROTOCOL_VERSION).id(this.id);
    control.string(config.name).string(config.fingerprint).string(config.mesh);
    this.writeKnownMembers();
    control.close(mark);
    for (const endpoint of this.endpoints.values()) {
      mark = control.open(Out.NspOpen);
      control.string(toWireName(endpoint.nspName)).close(mark);
      endpoint.interest.snapshot(control, endpoint.roomNames());
    }
    mark = control.open(Out.Ready);
    control.close(mark);
    // Peers don't know of this snapshot yet: an awaited join has to wait for it.
    this.joins.added();
    this.write(control.take());
    const lost = this.outbox.lostBefore();
    if (lost !== undefined) this.write(this.gapFrame(lost));
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
    if (this.members.size > 0 && this.graceTimer === undefined) {
      this.graceTimer = setTimeout(() => {
        this.graceTimer = undefined;
        this.members.allDown("unreachable");
      }, this.config.detachedGraceMs);
      this.graceTimer.unref();
    }
    if (!wasWelcomed) return;
    this.config.log("warn", `detached from the sidecar: ${reason}`);
    this.tellAll("detached", { reason });
  }

  failed(reason: string): void {
    this.config.log("debug", `no sidecar: ${reason}`);
  }

  private reportSoon(): void {
    if (this.takenTimer !== undefined) return;
    this.takenTimer = setTimeout(() => {
      this.takenTimer = undefined;
      if (this.link === undefined || this.inbound.unreported === 0) return;
      this.writeTaken();
      this.flush();
    }, TAKEN_DELAY_MS);
    this.takenTimer.unref();
  }

  /** The remote members that we know, by sidecar: the new sidecar confirms them or ends them. */
  private writeKnownMembers(): void {
    const bySidecar = new Map<string, MemberId[]>();
    for (const member of this.members.values()) {
      const ids = bySidecar.get(member.sidecar);
      if (ids === undefined) bySidecar.set(member.sidecar, [member.id]);
      else ids.push(member.id);
    }
    this.control.varint(bySidecar.size);
    for (const [sidecar, ids] of bySidecar) {
      this.control.string(sidecar).varint(ids.length);
      for (const id of ids) this.control.id(id);
    }
  }

  // ---- what the sidecar says (called by Inbound) --------------------------------------------------

  onWelcome(reader: ByteReader): void {
    reader.u8();
    reader.u64();
    const sidecar = reader.string();
    const mesh = reader.string();
    this.publisher.maxFrameBytes = Math.min(this.config.maxPublishBytes, reader.u32());
    this.welcomed = true;
    this.attachments++;
    this.lastRefusal = "";
    clearTimeout(this.graceTimer);
    this.graceTimer = undefined;
    this.retry?.welcomed();
    this.config.log("info", `attached to sidecar ${sidecar} of mesh ${mesh}`);
    this.tellAll("attached", { member: this.id.hex, sidecar, mesh });
  }

  onRefused(code: number, message: string): void {
    this.retry?.refused();
    if (message !== this.lastRefusal) {
      this.lastRefusal = message;
      this.config.log("error", `the sidecar refused this server: ${message}`);
    }
    this.tellAll("refused", { code, message });
    this.cut(`refused: ${message}`);
  }

  onPing(token: Uint8Array): void {
    this.controlFrame(Out.Pong, (writer) => writer.raw(token));
  }

  onGap(gap: Gap): void {
    this.config.log("warn", `${gap.messages} messages lost at ${gap.where}: ${gap.reason}`);
    this.tellAll("gap", gap);
  }

  unsendable(reason: string): void {
    this.config.log("error", `not sent to other servers: ${reason}`);
    this.tellAll("unsendable", { reason });
  }

  protocolError(error: unknown): void {
    this.inbound.broken++;
    const cause = error instanceof Error ? error : new WireError(String(error));
    this.config.log("warn", `broken frame dropped: ${cause.message}`);
    this.tellAll("protocol-error", { error: cause });
  }

  private cut(reason: string): void {
    const link = this.link;
    this.link = undefined;
    link?.destroy(reason);
  }

  private tell<E extends keyof AdapterEvents>(nsp: string, event: E, ...detail: AdapterEvents[E]): void {
    const endpoint = this.endpoints.get(nsp);
    if (endpoint !== undefined) calmly(() => endpoint.tell(event, ...detail));
  }

  private tellAll<E extends keyof AdapterEvents>(event: E, ...detail: AdapterEvents[E]): void {
    for (const nsp of [...this.endpoints.keys()]) this.tell(nsp, event, ...detail);
  }
}

function describe(member: Member): { id: string; name: string; sidecar: string } {
  return { id: member.id.hex, name: member.name, sidecar: member.sidecar };
}

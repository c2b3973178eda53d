// Writes DATA frames into the outbox and gives each its sequence. This is the hot path of a
// publisher: header by DataView, text straight into the slab, no allocation a frame.
import { varintLength, writeVarint, type MemberId } from "./bytes";
import { MAX_CHUNKS, MAX_FRAME_BYTES, VOLATILE_BACKLOG_BYTES } from "./limits";
import type { Outbox, Slab } from "./outbox";
import { chunkBytes, type Chunk, type EncodedPacket } from "./packets";
import type { Route } from "./routes";
import { DATA, DATA_HEADER_BYTES, Flag, ORDER_BYTES, TWO_32, type Kind } from "./wire";

/** Text up to this many UTF-16 units is written without measuring it first. */
const UNMEASURED_TEXT = 8192;

/** What the publisher asks of the client that owns it. */
export interface PublisherHost {
  readonly attached: boolean;
  /** There is something to flush. */
  wake(): void;
  /** A publish that can't be sent to others at all; it was delivered locally. */
  unsendable(reason: string): void;
  /** Writes the order of a publish for the own sidecar's log, and returns the offset behind it. */
  order(view: DataView, at: number): number;
}

/** Frames with one of these end with the order. */
const ORDERED = Flag.Logged | Flag.Home;

/** Copies a short section faster than a call of set() would. */
function copySection(target: Uint8Array, at: number, section: Uint8Array): number {
  const length = section.length;
  if (length > 64) target.set(section, at);
  else for (let i = 0; i < length; i++) target[at + i] = section[i]!;
  return at + length;
}

function orderBytes(flags: number): number {
  return (flags & ORDERED) === 0 ? 0 : ORDER_BYTES;
}

export class Publisher {
  /** Largest frame that the sidecar takes, the length field left out. */
  maxFrameBytes = MAX_FRAME_BYTES;
  /** Volatile publishes that were not sent because the sidecar is away or slow. */
  shed = 0;
  /** Publishes that can't be sent at all. */
  refused = 0;

  private seq = 0;

  constructor(
    private readonly member: MemberId,
    private readonly outbox: Outbox,
    private readonly host: PublisherHost,
  ) {}

  /** The sequence of the newest publish. */
  get lastSeq(): number {
    return this.seq;
  }

  /**
   * A packet, encoded before; `timeout` (ms) goes behind the chunks when it is not negative.
   * Returns its sequence, or 0 when it is not sent.
   */
  packet(kind: Kind, flags: number, route: Route, message: EncodedPacket, timeout = -1): number {
    if ((flags & Flag.Volatile) !== 0 && this.sheds()) return 0;
    const chunks = message.chunks;
    const text = chunks[0];
    if (chunks.length !== 1 || typeof text !== "string" || text.length > UNMEASURED_TEXT || timeout >= 0) {
      return this.measured(kind, flags, route, message, timeout);
    }
    const section = route.section;
    const most = DATA_HEADER_BYTES + section.length + 4 + text.length * 3 + ORDER_BYTES;
    if (most > this.maxFrameBytes) return this.measured(kind, flags, route, message, timeout);
    const slab = this.outbox.reserve(most);
    const buffer = slab.buffer;
    let at = copySection(buffer, slab.used + DATA_HEADER_BYTES, section);
    buffer[at++] = 1;
    const guess = varintLength(text.length * 2);
    const bytes = buffer.utf8Write(text, at + guess, text.length * 3);
    const width = varintLength(bytes * 2);
    if (width !== guess) buffer.copyWithin(at + width, at + guess, at + guess + bytes);
    at = writeVarint(buffer, at, bytes * 2);
    message.writtenAt(buffer, at, bytes);
    return this.finish(slab, at + bytes, kind, flags, route);
  }

  /** A frame with any other body. */
  body(kind: Kind, flags: number, route: Route, body: Uint8Array): number {
    const total = DATA_HEADER_BYTES + route.section.length + body.length + orderBytes(flags);
    if (!this.fits(total)) return 0;
    const slab = this.outbox.reserve(total);
    const at = copySection(slab.buffer, slab.used + DATA_HEADER_BYTES, route.section);
    slab.buffer.set(body, at);
    return this.finish(slab, at + body.length, kind, flags, route);
  }

  private measured(kind: Kind, flags: number, route: Route, message: EncodedPacket, timeout: number): number {
    const chunks = message.chunks;
    const sizes: number[] = [];
    let total = DATA_HEADER_BYTES + route.section.length + varintLength(chunks.length) + orderBytes(flags);
    if (timeout >= 0) total += varintLength(timeout);
    for (const chunk of chunks) {
      const bytes = typeof chunk === "string" ? Buffer.byteLength(chunk) : chunkBytes(chunk)?.length;
      if (bytes === undefined) return this.refuse("a Blob can't be sent to other servers: give a Buffer");
      sizes.push(bytes);
      total += varintLength(bytes * 2) + bytes;
    }
    if (chunks.length > MAX_CHUNKS) return this.refuse(`more than ${MAX_CHUNKS} binary attachments`);
    if (!this.fits(total)) return 0;
    const slab = this.outbox.reserve(total);
    let at = copySection(slab.buffer, slab.used + DATA_HEADER_BYTES, route.section);
    at = writeVarint(slab.buffer, at, chunks.length);
    for (let i = 0; i < chunks.length; i++) at = this.chunk(slab, at, chunks[i], sizes[i]);
    if (timeout >= 0) at = writeVarint(slab.buffer, at, timeout);
    return this.finish(slab, at, kind, flags, route);
  }

  private chunk(slab: Slab, at: number, chunk: Chunk, bytes: number): number {
    if (typeof chunk === "string") {
      at = writeVarint(slab.buffer, at, bytes * 2);
      slab.buffer.utf8Write(chunk, at, bytes);
    } else {
      at = writeVarint(slab.buffer, at, bytes * 2 + 1);
      slab.buffer.set(chunkBytes(chunk)!, at);
    }
    return at + bytes;
  }

  private finish(slab: Slab, end: number, kind: Kind, flags: number, route: Route): number {
    const start = slab.used;
    const view = slab.view;
    if ((flags & ORDERED) !== 0) end = this.host.order(view, end);
    const seq = ++this.seq;
    view.setUint32(start, end - start - 4, true);
    view.setUint32(start + 4, DATA | (flags << 8) | (route.kind << 16) | (kind << 24), true);
    view.setUint32(start + 8, route.section.length, true);
    view.setUint32(start + 12, this.member.lo, true);
    view.setUint32(start + 16, this.member.hi, true);
    view.setUint32(start + 20, seq, true);
    view.setUint32(start + 24, seq / TWO_32, true);
    this.outbox.commit(slab, end, seq, (flags & Flag.Volatile) !== 0);
    this.host.wake();
    return seq;
  }

  private sheds(): boolean {
    if (this.host.attached && this.outbox.unsent <= VOLATILE_BACKLOG_BYTES) return false;
    this.shed++;
    return true;
  }

  private fits(total: number): boolean {
    if (total - 4 <= this.maxFrameBytes) return true;
    this.refuse(`${total - 4} bytes, above the largest frame of ${this.maxFrameBytes} bytes`);
    return false;
  }

  private refuse(reason: string): 0 {
    this.refused++;
    this.host.unsendable(reason);
    return 0;
  }
}

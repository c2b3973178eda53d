// The outbox: every DATA frame that this process published and that was not yet taken.
//
// Frames are written once, into slabs; the same bytes are handed to the socket, kept until TAKEN,
// and written again at a new attachment. Nothing is copied on the way, and slabs are reused.
// Memory is bounded by `limit` (bytes of slabs): past it the oldest slab goes. Frames that had been
// sent are then *forgotten* (declared lost only if a new attachment comes before they were taken);
// frames that had not been sent are *dropped* (declared in their place by a GAP frame).
import type { FastBuffer } from "./bytes";
import { FORGOTTEN_RANGES, SLAB_BYTES, SLAB_POOL } from "./limits";
import { Flag, TWO_32 } from "./wire";

export class Slab {
  readonly buffer: FastBuffer;
  readonly view: DataView;
  /** Bytes written, and of these bytes handed to the socket; both at frame boundaries. */
  used = 0;
  sent = 0;
  frames = 0;
  volatiles = 0;
  lastSeq = 0;
  /** Writes of it that the socket has not finished; until then its bytes must stay as they are. */
  writing = 0;

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes) as FastBuffer;
    this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, bytes);
  }

  get bytes(): number {
    return this.buffer.length;
  }

  reset(): void {
    this.used = this.sent = this.frames = this.volatiles = this.lastSeq = 0;
  }
}

/** A range of publishes that is not held any more: `count` of them, the last one `seq`. */
export interface Lost {
  seq: number;
  count: number;
}

function frameBytes(slab: Slab, at: number): number {
  return slab.view.getUint32(at, true) + 4;
}

function frameSeq(slab: Slab, at: number): number {
  return slab.view.getUint32(at + 24, true) * TWO_32 + slab.view.getUint32(at + 20, true);
}

export class Outbox {
  /** Frames let go before they were taken, sent or not, since the start. */
  forgotten = 0;
  dropped = 0;

  private slabs: Slab[] = [];
  private pool: Slab[] = [];
  private inFlight: Slab[] = [];
  private held = 0;
  /** Index of the first slab that may have unsent bytes. */
  private next = 0;
  private unsentBytes = 0;
  private takenSeq = 0;
  /** Oldest first; all above takenSeq. */
  private lost: Lost[] = [];
  /** What was dropped from the live stream and has to be declared before its next frame. */
  private undeclared: Lost | undefined;

  constructor(
    private readonly limit: number,
    /** Called when a slab is full, so that a long synchronous burst leaves early. */
    private readonly onFull: () => void,
  ) {}

  get unsent(): number {
    return this.unsentBytes;
  }

  /** Bytes of memory held by publishes that were not taken. */
  get heldBytes(): number {
    return this.held;
  }

  get taken(): number {
    return this.takenSeq;
  }

  /** A slab with at least `bytes` free at `slab.used`. Write there, then commit(). */
  reserve(bytes: number): Slab {
    const last = this.slabs[this.slabs.length - 1];
    if (last !== undefined && last.bytes - last.used >= bytes) return last;
    return this.grow(bytes);
  }

  commit(slab: Slab, end: number, seq: number, volatile: boolean): void {
    this.unsentBytes += end - slab.used;
    slab.used = end;
    slab.lastSeq = seq;
    slab.frames++;
    if (volatile) slab.volatiles++;
  }

  /** Everything up to `seq` was taken by every member that it went to. */
  take(seq: number): void {
    if (seq <= this.takenSeq) return;
    this.takenSeq = seq;
    while (this.lost.length > 0 && this.lost[0].seq <= seq) this.lost.shift();
    let gone = 0;
    while (gone < this.slabs.length) {
      const slab = this.slabs[gone];
      if (slab.lastSeq > seq || slab.sent < slab.used) break;
      if (gone === this.slabs.length - 1) {
        if (slab.writing === 0) slab.reset();
        break;
      }
      this.free(slab);
      gone++;
    }
    if (gone > 0) {
      this.slabs.splice(0, gone);
      this.next = Math.max(0, this.next - gone);
    }
  }

  /**
   * Hands unsent bytes to `write` while it returns true. `declare` is called first where publishes
   * were dropped from the stream. Each write is followed by one written(), in order.
   */
  drain(write: (bytes: Uint8Array) => boolean, declare: (lost: Lost) => boolean): boolean {
    if (this.undeclared !== undefined) {
      const lost = this.undeclared;
      this.undeclared = undefined;
      if (!declare(lost)) return false;
    }
    while (this.next < this.slabs.length) {
      const slab = this.slabs[this.next];
      if (slab.sent < slab.used) {
        const bytes = slab.buffer.subarray(slab.sent, slab.used);
        this.unsentBytes -= bytes.length;
        slab.sent = slab.used;
        slab.writing++;
        this.inFlight.push(slab);
        if (!write(bytes)) return false;
      }
      if (this.next === this.slabs.length - 1) return true;
      this.next++;
    }
    return true;
  }

  /** The socket has finished the oldest write. */
  written(): void {
    const slab = this.inFlight.shift();
    if (slab !== undefined) slab.writing--;
  }

  /** The attachment is gone: volatile frames are not kept over it. */
  detach(): void {
    for (const slab of this.inFlight) slab.writing = 0;
    this.inFlight = [];
    for (const slab of this.slabs) {
      if (slab.volatiles > 0) this.compact(slab);
    }
    if (this.slabs.length > 1) {
      const kept = this.slabs.filter((slab, i) => slab.used > 0 || i === this.slabs.length - 1);
      for (const slab of this.slabs) if (!kept.includes(slab)) this.free(slab);
      this.slabs = kept;
    }
    this.rewind();
  }

  /** All that is held is to be sent again, from the first frame that was not taken. */
  private rewind(): void {
    this.next = 0;
    this.unsentBytes = 0;
    for (const slab of this.slabs) {
      slab.sent = 0;
      while (slab.sent < slab.used && frameSeq(slab, slab.sent) <= this.takenSeq) {
        slab.sent += frameBytes(slab, slab.sent);
      }
      this.unsentBytes += slab.used - slab.sent;
    }
  }

  /** A new attachment: what it has to declare before all that is held; undefined: nothing is lost. */
  begin(): Lost | undefined {
    this.undeclared = undefined;
    const last = this.lost[this.lost.length - 1];
    if (last === undefined) return undefined;
    return { seq: last.seq, count: this.lost.reduce((sum, lost) => sum + lost.count, 0) };
  }

  private grow(bytes: number): Slab {
    const size = Math.max(bytes, SLAB_BYTES);
    if (this.slabs.length > 0) this.onFull();
    while (this.slabs.length > 0 && this.held + size > this.limit) this.letGo();
    const slab = (size === SLAB_BYTES && this.pool.pop()) || new Slab(size);
    this.held += slab.bytes;
    this.slabs.push(slab);
    return slab;
  }

  /** Frees the oldest slab and remembers what of it was not taken. */
  private letGo(): void {
    const slab = this.slabs.shift()!;
    this.next = Math.max(0, this.next - 1);
    let sent = 0;
    let unsent = 0;
    for (let at = 0; at < slab.used; at += frameBytes(slab, at)) {
      if (at >= slab.sent) unsent++;
      else if (frameSeq(slab, at) > this.takenSeq) sent++;
    }
    this.forgotten += sent;
    this.dropped += unsent;
    this.unsentBytes -= slab.used - slab.sent;
    if (sent + unsent > 0) this.remember({ seq: slab.lastSeq, count: sent + unsent });
    if (unsent > 0) {
      this.undeclared = { seq: slab.lastSeq, count: unsent + (this.undeclared?.count ?? 0) };
    }
    this.free(slab);
  }

  private remember(lost: Lost): void {
    this.lost.push(lost);
    if (this.lost.length > FORGOTTEN_RANGES) {
      const oldest = this.lost.shift()!;
      this.lost[0].count += oldest.count;
    }
  }

  /** Rewrites a slab in place without its volatile frames, and without those that were taken. */
  private compact(slab: Slab): void {
    let to = 0;
    let frames = 0;
    let lastSeq = 0;
    for (let at = 0, bytes = 0; at < slab.used; at += bytes) {
      bytes = frameBytes(slab, at);
      if ((slab.buffer[at + 5] & Flag.Volatile) !== 0 || frameSeq(slab, at) <= this.takenSeq) continue;
      lastSeq = frameSeq(slab, at);
      if (to !== at) slab.buffer.copyWithin(to, at, at + bytes);
      to += bytes;
      frames++;
    }
    slab.used = to;
    slab.frames = frames;
    slab.lastSeq = lastSeq;
    slab.volatiles = 0;
  }

  private free(slab: Slab): void {
    this.held -= slab.bytes;
    if (slab.writing > 0 || slab.bytes !== SLAB_BYTES || this.pool.length >= SLAB_POOL) return;
    slab.reset();
    this.pool.push(slab);
  }
}


// Cuts the byte stream into frames. Whole frames are handed over where they lie, in the buffer that
// was read into; only the one that spans two reads is put together in memory of its own.
import { WireError } from "./errors";
import { MAX_FRAME_BYTES } from "./limits";

const LENGTH_BYTES = 4;

/** `start` is the type byte. The bytes are the handler's until it returns. False stops the reading. */
export type FrameHandler = (buffer: Buffer, start: number, end: number) => boolean;

export class FrameSplitter {
  private carry: Buffer = Buffer.alloc(0);
  private carried = 0;

  constructor(private readonly handler: FrameHandler) {}

  reset(): void {
    this.carry = Buffer.alloc(0);
    this.carried = 0;
  }

  /** Throws WireError where the lengths can't be right; the connection is of no use after that. */
  feed(buffer: Buffer, length: number): void {
    let at = 0;
    if (this.carried > 0) {
      at = this.complete(buffer, length);
      if (at < 0) return;
    }
    while (length - at >= LENGTH_BYTES) {
      const bytes = frameLength(buffer, at);
      const end = at + LENGTH_BYTES + bytes;
      if (end > length) break;
      if (!this.handler(buffer, at + LENGTH_BYTES, end)) return;
      at = end;
    }
    if (at < length) this.keep(buffer, at, length);
  }

  /** Finishes the carried frame. Returns the offset behind it, or -1 when there is nothing to go on with. */
  private complete(buffer: Buffer, length: number): number {
    let at = 0;
    if (this.carried < LENGTH_BYTES) {
      at = this.append(buffer, 0, Math.min(length, LENGTH_BYTES - this.carried));
      if (this.carried < LENGTH_BYTES) return -1;
    }
    const need = LENGTH_BYTES + frameLength(this.carry, 0);
    this.reserve(need);
    at = this.append(buffer, at, Math.min(length - at, need - this.carried));
    if (this.carried < need) return -1;
    const frame = this.carry;
    this.carried = 0;
    // A large frame's memory is not held until the next one.
    if (frame.length > LARGE_CARRY) this.carry = Buffer.alloc(0);
    return this.handler(frame, LENGTH_BYTES, need) ? at : -1;
  }

  private keep(buffer: Buffer, at: number, length: number): void {
    const left = length - at;
    this.reserve(left >= LENGTH_BYTES ? LENGTH_BYTES + frameLength(buffer, at) : LENGTH_BYTES);
    this.append(buffer, at, left);
  }

  private append(buffer: Buffer, at: number, bytes: number): number {
    this.reserve(this.carried + bytes);
    buffer.copy(this.carry, this.carried, at, at + bytes);
    this.carried += bytes;
    return at + bytes;
  }

  private reserve(bytes: number): void {
    if (this.carry.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, SMALL_CARRY));
    this.carry.copy(larger, 0, 0, this.carried);
    this.carry = larger;
  }
}

const SMALL_CARRY = 4096;
const LARGE_CARRY = 1024 * 1024;

function frameLength(buffer: Buffer, at: number): number {
  const bytes =
    (buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24)) >>> 0;
  if (bytes === 0 || bytes > MAX_FRAME_BYTES) throw new WireError(`frame of ${bytes} bytes`);
  return bytes;
}

// Reading and writing of small frames (everything but the hot BROADCAST path, which outbox.ts and
// inbox.ts do by hand). Little-endian; varint is LEB128 below 2^32.
import { WireError } from "./errors";
import { TWO_32 } from "./wire";

/** Buffer's own fast writers: present in every supported Node, absent from its types. */
export interface FastBuffer extends Buffer {
  utf8Write(text: string, offset: number, length?: number): number;
  utf8Slice(start: number, end: number): string;
}

/** A member id: 8 opaque bytes as two little-endian halves, and as 16 hex digits for people. */
export interface MemberId {
  readonly lo: number;
  readonly hi: number;
  readonly hex: string;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex32(word: number): string {
  return HEX[word & 255] + HEX[(word >>> 8) & 255] + HEX[(word >>> 16) & 255] + HEX[word >>> 24];
}

export function memberHex(lo: number, hi: number): string {
  return hex32(lo) + hex32(hi);
}

export function memberId(lo: number, hi: number): MemberId {
  return { lo: lo >>> 0, hi: hi >>> 0, hex: memberHex(lo, hi) };
}

export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes at `at` and returns the offset after it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value & 0x7f) | 0x80;
    value = value >>> 7;
  }
  target[at++] = value;
  return at;
}

/** A growing buffer of whole frames, or of one section. Not kept after take(). */
export class ByteWriter {
  private buffer: FastBuffer;
  private at = 0;

  constructor(private readonly initial = 256) {
    this.buffer = Buffer.allocUnsafe(initial) as FastBuffer;
  }

  get length(): number {
    return this.at;
  }

  u8(value: number): this {
    this.room(1);
    this.buffer[this.at++] = value;
    return this;
  }

  u16(value: number): this {
    this.room(2);
    this.at = this.buffer.writeUInt16LE(value, this.at);
    return this;
  }

  u32(value: number): this {
    this.room(4);
    this.at = this.buffer.writeUInt32LE(value >>> 0, this.at);
    return this;
  }

  u64(value: number): this {
    return this.u32(value % TWO_32).u32(Math.floor(value / TWO_32));
  }

  id(id: { lo: number; hi: number }): this {
    return this.u32(id.lo).u32(id.hi);
  }

  varint(value: number): this {
    this.room(5);
    this.at = writeVarint(this.buffer, this.at, value);
    return this;
  }

  string(text: string): this {
    const length = Buffer.byteLength(text);
    this.varint(length).room(length);
    this.buffer.utf8Write(text, this.at, length);
    this.at += length;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  /** Opens a frame; close() with the returned mark fills in its length. */
  open(type: number): number {
    const mark = this.at;
    this.u32(0).u8(type);
    return mark;
  }

  close(mark: number): this {
    this.buffer.writeUInt32LE(this.at - mark - 4, mark);
    return this;
  }

  /** The bytes so far. The writer starts anew with memory of its own, so they stay as they are. */
  take(): Buffer {
    const bytes = this.buffer.subarray(0, this.at);
    this.buffer = Buffer.allocUnsafe(this.initial) as FastBuffer;
    this.at = 0;
    return bytes;
  }

  clear(): void {
    this.at = 0;
  }

  private room(bytes: number): void {
    const need = this.at + bytes;
    if (need <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(need, this.buffer.length * 2)) as FastBuffer;
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
  }
}

/** A bounds-checked cursor over one section. Throws WireError where the bytes end too soon. */
export class ByteReader {
  constructor(
    readonly buffer: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    this.need(1);
    return this.buffer[this.at++];
  }

  u16(): number {
    this.need(2);
    this.at += 2;
    return this.buffer.readUInt16LE(this.at - 2);
  }

  u32(): number {
    this.need(4);
    this.at += 4;
    return this.buffer.readUInt32LE(this.at - 4);
  }

  /** Sequences and counts, below 2^53. */
  u64(): number {
    const lo = this.u32();
    const hi = this.u32();
    if (hi >= 0x20_0000) throw new WireError("number above 2^53");
    return hi * TWO_32 + lo;
  }

  id(): MemberId {
    const lo = this.u32();
    return memberId(lo, this.u32());
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value >= TWO_32) throw new WireError("varint above 2^32");
        return value;
      }
      scale *= 128;
    }
    throw new WireError("varint too long");
  }

  /** A count of things that take at least `least` bytes each: refused before anything is allocated. */
  count(least: number): number {
    const count = this.varint();
    if (count * least > this.left) throw new WireError("count above what the frame holds");
    return count;
  }

  string(): string {
    const length = this.varint();
    this.need(length);
    this.at += length;
    return this.buffer.toString("utf8", this.at - length, this.at);
  }

  /** A view, not a copy. */
  raw(length: number): Buffer {
    this.need(length);
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  done(): void {
    if (this.at !== this.end) throw new WireError("bytes after the end");
  }

  private need(bytes: number): void {
    if (bytes > this.end - this.at) throw new WireError("frame too short");
  }
}

// Packets that are encoded once. The publisher's own copy (EncodedPacket) and a received one
// (ReceivedPacket) are what the in-memory adapter's broadcast() is given; the adapter's _encode()
// then returns their chunks instead of encoding again.
import * as buffers from "node:buffer";
import type { FastBuffer } from "./bytes";
import { ByteReader } from "./bytes";
import { WireError } from "./errors";
import { MAX_CHUNKS } from "./limits";

/** What a parser makes of a packet. Binary chunks may be any view or an ArrayBuffer. */
export type Chunk = string | Uint8Array | ArrayBuffer | ArrayBufferView;

/** A packet as Socket.IO hands it to an adapter. */
export interface SocketIoPacket {
  type: number;
  data?: unknown;
  nsp?: string;
  id?: number;
}

// Absent before Node 18.14; without it frames are built through a string.
const isUtf8 = (buffers as { isUtf8?: (bytes: Uint8Array) => boolean }).isUtf8;

/** A WebSocket text frame of an Engine.IO message ("4") with `length` bytes of text at `start`. */
export function messageFrame(source: Uint8Array, start: number, length: number): Buffer {
  const payload = length + 1;
  const header = payload < 126 ? 2 : payload < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + payload);
  frame[0] = 0x81; // final, text
  if (header === 2) {
    frame[1] = payload;
  } else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payload, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(payload, 6);
  }
  frame[header] = 0x34;
  frame.set(source.subarray(start, start + length), header + 1);
  return frame;
}

/** The publisher's packet with its chunks. The caller's packet stays as it was. */
export class EncodedPacket implements SocketIoPacket {
  readonly type: number;
  readonly data: unknown;
  readonly id: number | undefined;
  nsp: string;
  private source: Uint8Array | undefined;
  private textStart = 0;
  private textLength = 0;

  constructor(
    packet: SocketIoPacket,
    nsp: string,
    readonly chunks: Chunk[],
  ) {
    this.type = packet.type;
    this.data = packet.data;
    this.id = packet.id;
    this.nsp = nsp;
  }

  /** The text of the only chunk is here too, as bytes, until the caller's turn is over. */
  writtenAt(source: Uint8Array, start: number, length: number): void {
    this.source = source;
    this.textStart = start;
    this.textLength = length;
  }

  forgetSource(): void {
    this.source = undefined;
  }

  wsFrame(): Buffer[] | undefined {
    if (this.source !== undefined) return [messageFrame(this.source, this.textStart, this.textLength)];
    if (this.chunks.length !== 1 || typeof this.chunks[0] !== "string") return undefined;
    const text = Buffer.from(this.chunks[0]);
    return [messageFrame(text, 0, text.length)];
  }
}

/** Turns chunks back into a packet; one parser's Decoder, kept between packets. */
export interface PacketDecoder {
  /** Throws where the chunks are not a packet. */
  decode(chunks: readonly Chunk[]): SocketIoPacket;
}

/**
 * A packet from the wire. It reads from the attachment's buffer, so what was not asked for by the
 * end of the delivery can't be asked for later: seal() then drops the bytes, and `data` is empty.
 */
export class ReceivedPacket implements SocketIoPacket {
  nsp: string;
  readonly id = undefined;
  private made: Chunk[] | undefined;
  private decoded: SocketIoPacket | undefined;

  /** `start` and `end` enclose a body that checkBody() has accepted. */
  constructor(
    nsp: string,
    private buffer: Buffer | undefined,
    private readonly start: number,
    private readonly end: number,
    private readonly decoder: PacketDecoder,
    private readonly onBroken: (error: unknown) => void,
    /** It ends with its offset, which is for the clients alone. */
    readonly logged: boolean,
  ) {
    this.nsp = nsp;
  }

  get type(): number {
    return this.packet().type;
  }

  get data(): unknown {
    return this.packet().data;
  }

  get chunks(): Chunk[] {
    if (this.made === undefined) {
      this.made = this.buffer === undefined ? [] : readChunks(new ByteReader(this.buffer, this.start, this.end));
    }
    return this.made;
  }

  wsFrame(): Buffer[] | undefined {
    if (this.buffer === undefined) return undefined;
    const reader = new ByteReader(this.buffer, this.start, this.end);
    if (reader.varint() !== 1) return undefined;
    const head = reader.varint();
    if (head % 2 === 1) return undefined;
    const bytes = this.buffer.subarray(reader.at, this.end);
    // A client would close its connection over text that is not UTF-8.
    if (isUtf8 === undefined || !isUtf8(bytes)) return undefined;
    return [messageFrame(this.buffer, reader.at, this.end - reader.at)];
  }

  seal(): void {
    this.buffer = undefined;
  }

  private packet(): SocketIoPacket {
    if (this.decoded === undefined) {
      try {
        this.decoded = this.decoder.decode(this.chunks);
        if (this.logged && Array.isArray(this.decoded.data)) this.decoded.data.pop();
      } catch (error) {
        this.decoded = { type: 2, data: [] };
        this.onBroken(error);
      }
    }
    return this.decoded;
  }
}

/** Whether the bytes are chunks and nothing else. Cheap: looks at lengths only. */
export function checkBody(buffer: Buffer, start: number, end: number): boolean {
  // One chunk of text below 8 KiB, the commonest body by far: two or three bytes decide.
  if (end - start >= 2 && buffer[start] === 1) {
    const first = buffer[start + 1];
    if (first < 0x80) return first >>> 1 === end - start - 2;
    const second = buffer[start + 2];
    if (second < 0x80) return ((first & 0x7f) | (second << 7)) >>> 1 === end - start - 3;
  }
  try {
    const reader = new ByteReader(buffer, start, end);
    skipChunks(reader);
    return reader.left === 0;
  } catch {
    return false;
  }
}

/** Moves a reader behind the chunks. */
export function skipChunks(reader: ByteReader): void {
  const count = reader.count(1);
  if (count === 0 || count > MAX_CHUNKS) throw new WireError("number of chunks");
  for (let i = 0; i < count; i++) reader.raw(Math.floor(reader.varint() / 2));
}

/** Chunks of their own memory. */
export function readChunks(reader: ByteReader): Chunk[] {
  const count = reader.count(1);
  if (count > MAX_CHUNKS) throw new WireError("number of chunks");
  const chunks: Chunk[] = [];
  for (let i = 0; i < count; i++) {
    const head = reader.varint();
    const bytes = reader.raw(Math.floor(head / 2));
    chunks.push(head % 2 === 1 ? Buffer.from(bytes) : (bytes as FastBuffer).utf8Slice(0, bytes.length));
  }
  return chunks;
}

/** The bytes of a binary chunk, not copied; undefined for what can't be read at once (a Blob). */
export function chunkBytes(chunk: Exclude<Chunk, string>): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  return undefined;
}

// Messages that are kept for sockets that are being restored: those that were replayed by the sidecar,
// and those that were delivered here since it was asked.
import type { BroadcastOptions } from "socket.io-adapter";
import { chunkBytes, type Chunk } from "./packets";

/** What a client presents as its offset: `<origin>.<seq>`. */
export interface MessageId {
  readonly origin: string;
  readonly seq: number;
}

export interface Message {
  readonly id: MessageId;
  readonly chunks: Chunk[];
  readonly compress: boolean | undefined;
}

interface Remembered extends Message {
  readonly opts: BroadcastOptions;
  readonly bytes: number;
}

const OFFSET = /^[0-9a-f]{16}\.\d{1,16}$/;
/** What an entry takes beside its chunks, about, in bytes. */
const ENTRY_BYTES = 200;

export function offsetOf({ origin, seq }: MessageId): string {
  return `${origin}.${seq}`;
}

/** Undefined for what is no offset of ours. */
export function parseOffset(offset: string): MessageId | undefined {
  if (!OFFSET.test(offset)) return undefined;
  return { origin: offset.slice(0, 16), seq: Number(offset.slice(17)) };
}

/** Whether a socket in these rooms gets what is broadcast with these options. */
export function isFor(opts: BroadcastOptions, rooms: ReadonlySet<unknown>): boolean {
  for (const room of opts.except ?? []) if (rooms.has(room)) return false;
  if (opts.rooms.size === 0) return true;
  for (const room of opts.rooms) if (rooms.has(room)) return true;
  return false;
}

/** Binary chunks are the application's, which may use its memory again. */
function keep(chunks: readonly Chunk[]): Chunk[] {
  return chunks.map((chunk) => {
    if (typeof chunk === "string") return chunk;
    const bytes = chunkBytes(chunk);
    return bytes === undefined ? chunk : Buffer.from(bytes);
  });
}

function sizeOf(chunks: readonly Chunk[]): number {
  let bytes = ENTRY_BYTES;
  for (const chunk of chunks) bytes += typeof chunk === "string" ? chunk.length : (chunkBytes(chunk)?.length ?? 0);
  return bytes;
}

/** One namespace's messages, in the order of their delivery, numbered from 0 for ever. */
export class RememberedMessages {
  bytes = 0;
  private messages: Remembered[] = [];
  private first = 0;

  /** The number that the next message gets. */
  get end(): number {
    return this.first + this.messages.length;
  }

  push(id: MessageId, opts: BroadcastOptions, chunks: readonly Chunk[]): void {
    const kept = keep(chunks);
    const bytes = sizeOf(kept);
    this.messages.push({ id, opts, chunks: kept, compress: opts.flags?.compress, bytes });
    this.bytes += bytes;
  }

  /** Messages from number `start` on for a socket in these rooms that it did not get in another way. */
  since(start: number, rooms: ReadonlySet<unknown>, has: (id: MessageId) => boolean): Message[] {
    const found: Message[] = [];
    for (let i = start - this.first; i < this.messages.length; i++) {
      const message = this.messages[i];
      if (isFor(message.opts, rooms) && !has(message.id)) found.push(message);
    }
    return found;
  }

  /** Messages before number `start` are needed no more. */
  forget(start: number): void {
    const count = start - this.first;
    // Moving the rest for a few of them would not be worth it.
    if (count < this.messages.length && count * 2 < this.messages.length) return;
    for (let i = 0; i < count; i++) this.bytes -= this.messages[i].bytes;
    this.messages.splice(0, count);
    this.first = start;
  }
}

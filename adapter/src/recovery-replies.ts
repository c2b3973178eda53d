// What the sidecar answers to RESTORE: REPLAY, any number of times, and RESTORED.
import { ByteReader } from "./bytes";
import { WireError } from "./errors";
import { fromWireName } from "./names";
import { checkBody, readChunks } from "./packets";
import { isMarked, type Marks } from "./recovery-late";
import { offsetOf, type Message, type MessageId } from "./recovery-messages";
import { decodeValue } from "./values";
import { DATA, DATA_HEADER_BYTES, Flag, ORDER_BYTES } from "./wire";

export interface Restored {
  readonly sid: string;
  readonly rooms: readonly string[];
  readonly data: unknown;
  readonly marks: Marks;
  /** How often it was given on. */
  readonly generation: number;
}

/** The rest of RESTORED, behind `sid`. Throws WireError. */
export function readRestored(sid: string, reader: ByteReader): Restored {
  const rooms: string[] = [];
  for (let count = reader.count(1); count > 0; count--) rooms.push(fromWireName(reader.string()));
  const generation = reader.u64();
  const marks = new Map<string, number>();
  for (let count = reader.count(16); count > 0; count--) marks.set(reader.id().hex, reader.u64());
  return { sid, rooms, generation, data: decodeValue(reader.buffer, reader.at, reader.end), marks };
}

/** Whole DATA frames to the end, put behind those of earlier parts. Throws WireError. */
export function readReplay(reader: ByteReader, into: Message[]): void {
  while (reader.left > 0) into.push(readFrame(reader));
}

function readFrame(reader: ByteReader): Message {
  const bytes = reader.u32();
  const end = reader.at + bytes;
  if (bytes + 4 < DATA_HEADER_BYTES || end > reader.end || reader.u8() !== DATA) throw new WireError("broken replay");
  const flags = reader.u8();
  reader.u16(); // route kind and kind: the sidecar has looked
  const route = reader.u32();
  const origin = reader.id().hex;
  const seq = reader.u64();
  const start = reader.at + route;
  const bodyEnd = end - ((flags & Flag.Logged) === 0 ? 0 : ORDER_BYTES);
  if (start > bodyEnd || !checkBody(reader.buffer, start, bodyEnd)) throw new WireError("broken replay");
  reader.at = end;
  return { id: { origin, seq }, chunks: readChunks(new ByteReader(reader.buffer, start, bodyEnd)), compress: compressOf(flags) };
}

function compressOf(flags: number): boolean | undefined {
  return (flags & Flag.CompressSet) === 0 ? undefined : (flags & Flag.CompressValue) !== 0;
}

/** Whether a message was replayed, or was before the replay. */
export function inReplay(marks: Marks, replay: readonly Message[]): (id: MessageId) => boolean {
  let replayed: Set<string> | undefined;
  return (id) => {
    if (isMarked(marks, id)) return true;
    replayed ??= new Set(replay.map((message) => offsetOf(message.id)));
    return replayed.has(offsetOf(id));
  };
}

// Values that travel between servers: arguments of serverSideEmit(), answers, socket.data.
//
// JSON where JSON tells the whole value; else a tagged form that begins with a byte no JSON text
// begins with, and that also knows undefined, binary, NaN, infinities and bigint. Binary arrives as
// a Buffer of its own memory. toJSON() is honoured in both, so that a value looks the same whichever
// form it took. A key "__proto__" never leaves or enters.
import { ByteReader, ByteWriter } from "./bytes";
import { ValueError, WireError } from "./errors";
import { MAX_VALUE_DEPTH } from "./limits";

const TAGGED = 0x01;

const enum Tag {
  Undefined = 0,
  Null = 1,
  True = 2,
  False = 3,
  Number = 4,
  String = 5,
  Bytes = 6,
  Array = 7,
  Object = 8,
  BigInt = 9,
}

const SCRATCH = new DataView(new ArrayBuffer(8));

function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  return undefined;
}

/** Whether JSON tells all of it. A property that is undefined, or a function, is left out in both. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > MAX_VALUE_DEPTH) throw new ValueError("value nested too deeply, or circular");
  if (bytesOf(value) !== undefined) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    return isPlain((value as { toJSON(key: string): unknown }).toJSON(""), depth + 1);
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (key === "__proto__" || typeof item === "bigint") return false;
    if (item !== undefined && typeof item !== "function" && typeof item !== "symbol" && !isPlain(item, depth + 1)) {
      return false;
    }
  }
  return true;
}

/** Throws ValueError for what is circular or too deep. */
export function encodeValue(value: unknown): Buffer {
  if (isPlain(value, 0)) return Buffer.from(JSON.stringify(value));
  const writer = new ByteWriter(1024).u8(TAGGED);
  write(writer, value, 0);
  return writer.take();
}

function write(writer: ByteWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case "string":
      writer.u8(Tag.String).string(value);
      return;
    case "boolean":
      writer.u8(value ? Tag.True : Tag.False);
      return;
    case "number":
      SCRATCH.setFloat64(0, value, true);
      writer.u8(Tag.Number).u32(SCRATCH.getUint32(0, true)).u32(SCRATCH.getUint32(4, true));
      return;
    case "bigint":
      writer.u8(Tag.BigInt).string(String(value));
      return;
    case "object":
      break;
    default:
      writer.u8(Tag.Undefined);
      return;
  }
  if (value === null) {
    writer.u8(Tag.Null);
    return;
  }
  if (depth > MAX_VALUE_DEPTH) throw new ValueError("value nested too deeply, or circular");
  const bytes = bytesOf(value);
  if (bytes !== undefined) {
    writer.u8(Tag.Bytes).varint(bytes.length).raw(bytes);
  } else if (Array.isArray(value)) {
    writer.u8(Tag.Array).varint(value.length);
    for (const item of value) write(writer, item, depth + 1);
  } else if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    write(writer, (value as { toJSON(key: string): unknown }).toJSON(""), depth + 1);
  } else {
    const entries = Object.entries(value).filter(
      ([key, item]) => key !== "__proto__" && typeof item !== "function" && typeof item !== "symbol",
    );
    writer.u8(Tag.Object).varint(entries.length);
    for (const [key, item] of entries) write(writer.string(key), item, depth + 1);
  }
}

function withoutProto(this: unknown, key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

/** Throws WireError. Nothing in the result refers to `buffer`. */
export function decodeValue(buffer: Buffer, start: number, end: number): unknown {
  if (start >= end) throw new WireError("empty value");
  if (buffer[start] === TAGGED) {
    const reader = new ByteReader(buffer, start + 1, end);
    const value = read(reader, 0);
    reader.done();
    return value;
  }
  const text = buffer.toString("utf8", start, end);
  try {
    // Also where the name is written with escapes: then there is a backslash.
    const suspect = text.includes("__proto__") || text.includes("\\u");
    return JSON.parse(text, suspect ? withoutProto : undefined) as unknown;
  } catch {
    throw new WireError("broken JSON value");
  }
}

function read(reader: ByteReader, depth: number): unknown {
  if (depth > MAX_VALUE_DEPTH) throw new WireError("value nested too deeply");
  const tag = reader.u8();
  switch (tag as Tag) {
    case Tag.Undefined:
      return undefined;
    case Tag.Null:
      return null;
    case Tag.True:
      return true;
    case Tag.False:
      return false;
    case Tag.Number:
      SCRATCH.setUint32(0, reader.u32(), true);
      SCRATCH.setUint32(4, reader.u32(), true);
      return SCRATCH.getFloat64(0, true);
    case Tag.String:
      return reader.string();
    case Tag.Bytes:
      return Buffer.from(reader.raw(reader.varint()));
    case Tag.BigInt:
      return readBigInt(reader.string());
    case Tag.Array: {
      const count = reader.count(1);
      const items: unknown[] = [];
      for (let i = 0; i < count; i++) items.push(read(reader, depth + 1));
      return items;
    }
    case Tag.Object: {
      const count = reader.count(2);
      const object: Record<string, unknown> = {};
      for (let i = 0; i < count; i++) {
        const key = reader.string();
        const item = read(reader, depth + 1);
        if (key !== "__proto__") object[key] = item;
      }
      return object;
    }
  }
  throw new WireError(`value tag ${tag}`);
}

function readBigInt(digits: string): bigint {
  // Parsing takes the square of the length, so the length is bounded.
  if (!/^-?\d{1,4096}$/.test(digits)) throw new WireError("broken bigint");
  return BigInt(digits);
}

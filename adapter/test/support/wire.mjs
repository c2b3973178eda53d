// Frames by hand, independent of the adapter's own codecs, for tests that look at exact bytes.

export function varint(value) {
  const bytes = [];
  while (value >= 0x80) {
    bytes.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
  return Buffer.from(bytes);
}

export function string(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([varint(bytes.length), bytes]);
}

export function u16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function id(hex) {
  return Buffer.from(hex, "hex");
}

/** A frame of the given type; numbers are single bytes. */
export function frame(type, ...parts) {
  const payload = Buffer.concat([Buffer.from([type]), ...parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : part))]);
  return Buffer.concat([u32(payload.length), payload]);
}

export const namespaceRoute = (nsp) => string(nsp);

export function roomsRoute(nsp, rooms, except = [], joins) {
  const list = (names) => Buffer.concat([varint(names.length), ...names.map(string)]);
  return Buffer.concat([string(nsp), list(rooms), list(except), ...(joins ? [list(joins)] : [])]);
}

export function data({ flags = 0, routeKind = 0, kind = 1, origin, seq, route, body }) {
  return frame(0x40, flags, routeKind, kind, u32(route.length), id(origin), u64(seq), route, body);
}

export function chunks(...parts) {
  return Buffer.concat([
    varint(parts.length),
    ...parts.flatMap((part) => {
      const bytes = Buffer.from(part);
      return [varint(bytes.length * 2 + (typeof part === "string" ? 0 : 1)), bytes];
    }),
  ]);
}

/** Reads frames back. */
export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  u8() {
    return this.bytes[this.at++];
  }
  u32() {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }
  u64() {
    this.at += 8;
    return Number(this.bytes.readBigUInt64LE(this.at - 8));
  }
  id() {
    this.at += 8;
    return this.bytes.toString("hex", this.at - 8, this.at);
  }
  varint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  string() {
    const length = this.varint();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
  rest() {
    return this.bytes.subarray(this.at);
  }
}

/** One DATA frame (without its length field) as an object. */
export function parseData(bytes) {
  const reader = new Reader(bytes, 1);
  const flags = reader.u8();
  const routeKind = reader.u8();
  const kind = reader.u8();
  const routeLength = reader.u32();
  const origin = reader.id();
  const seq = reader.u64();
  const route = bytes.subarray(reader.at, reader.at + routeLength);
  return { flags, routeKind, kind, origin, seq, route, body: bytes.subarray(reader.at + routeLength) };
}

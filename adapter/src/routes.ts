// Route sections: how a DATA frame says where it goes. Encoded names are kept per namespace, and
// decoded sections in a table, because the same few rooms come again and again; both are bounded.
import { ByteReader, ByteWriter, varintLength, writeVarint, type MemberId } from "./bytes";
import { WireError } from "./errors";
import { ROUTE_CACHE_ENTRIES, ROUTE_TABLE_ENTRIES, ROUTE_TABLE_SECTION_BYTES } from "./limits";
import { fromWireName, toWireName } from "./names";
import { RouteKind } from "./wire";

export interface Route {
  readonly kind: RouteKind;
  readonly section: Uint8Array;
}

const NO_NAMES: ReadonlySet<unknown> = new Set();

function nameSection(name: unknown): Uint8Array {
  const bytes = Buffer.from(toWireName(name));
  const section = new Uint8Array(varintLength(bytes.length) + bytes.length);
  section.set(bytes, writeVarint(section, 0, bytes.length));
  return section;
}

/** A map of two generations: when the young one is full, the old one is let go. */
class Generations<V> {
  private young = new Map<unknown, V>();
  private old = new Map<unknown, V>();

  get(key: unknown): V | undefined {
    const value = this.young.get(key);
    if (value !== undefined) return value;
    const aged = this.old.get(key);
    if (aged !== undefined) this.set(key, aged);
    return aged;
  }

  set(key: unknown, value: V): void {
    if (this.young.size >= ROUTE_CACHE_ENTRIES) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }
}

/** Encodes the routes of one namespace. */
export class RouteEncoder {
  readonly everyone: Route;
  private readonly nsp: Uint8Array;
  private readonly single = new Generations<Route>();
  private readonly names = new Generations<Uint8Array>();

  constructor(nsp: string) {
    this.nsp = nameSection(nsp);
    this.everyone = { kind: RouteKind.Namespace, section: this.nsp };
  }

  /** Where a broadcast with these rooms and exceptions goes. */
  rooms(rooms: ReadonlySet<unknown>, except: ReadonlySet<unknown> | undefined): Route {
    if (except === undefined || except.size === 0) {
      if (rooms.size === 0) return this.everyone;
      if (rooms.size === 1) {
        for (const room of rooms) return this.single.get(room) ?? this.encodeSingle(room);
      }
    }
    return this.encode(rooms, except ?? NO_NAMES, undefined);
  }

  /** The same with rooms that the addressed sockets are about to join. */
  joins(rooms: ReadonlySet<unknown>, except: ReadonlySet<unknown> | undefined, joins: Iterable<unknown>): Route {
    return this.encode(rooms, except ?? NO_NAMES, new Set(joins));
  }

  member(id: MemberId): Route {
    return { kind: RouteKind.Member, section: new ByteWriter(64).id(id).raw(this.nsp).take() };
  }

  private encodeSingle(room: unknown): Route {
    const route = this.encode(new Set([room]), NO_NAMES, undefined);
    this.single.set(room, route);
    return route;
  }

  private encode(
    rooms: ReadonlySet<unknown>,
    except: ReadonlySet<unknown>,
    joins: ReadonlySet<unknown> | undefined,
  ): Route {
    const lists = joins === undefined ? [rooms, except] : [rooms, except, joins];
    let bytes = this.nsp.length;
    const sections: Uint8Array[][] = [];
    for (const list of lists) {
      const names: Uint8Array[] = [];
      bytes += varintLength(list.size);
      for (const name of list) {
        const section = this.name(name);
        names.push(section);
        bytes += section.length;
      }
      sections.push(names);
    }
    const section = new Uint8Array(bytes);
    section.set(this.nsp, 0);
    let at = this.nsp.length;
    for (const names of sections) {
      at = writeVarint(section, at, names.length);
      for (const name of names) {
        section.set(name, at);
        at += name.length;
      }
    }
    return { kind: RouteKind.Rooms, section };
  }

  private name(name: unknown): Uint8Array {
    let section = this.names.get(name);
    if (section === undefined) {
      section = nameSection(name);
      this.names.set(name, section);
    }
    return section;
  }
}

/** A decoded section. Shared between frames: make new Sets of the lists, and don't change them. */
export interface DecodedRoute {
  readonly nsp: string;
  readonly rooms: readonly string[];
  readonly except: readonly string[];
}

const NOBODY: readonly string[] = [];

function readNames(reader: ByteReader): readonly string[] {
  const count = reader.count(1);
  if (count === 0) return NOBODY;
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(fromWireName(reader.string()));
  return names;
}

function decode(kind: RouteKind, provisional: boolean, section: Buffer, start: number, end: number): DecodedRoute {
  const reader = new ByteReader(section, start, end);
  if (kind === RouteKind.Mesh) {
    reader.done();
    return { nsp: "", rooms: NOBODY, except: NOBODY };
  }
  if (kind === RouteKind.Member) reader.id();
  const nsp = fromWireName(reader.string());
  if (kind !== RouteKind.Rooms) {
    reader.done();
    return { nsp, rooms: NOBODY, except: NOBODY };
  }
  const rooms = readNames(reader);
  const except = readNames(reader);
  if (provisional) readNames(reader);
  reader.done();
  return { nsp, rooms, except };
}

interface TableEntry {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly route: DecodedRoute;
}

/** Decodes route sections, with a direct-mapped table of the recent ones. */
export class RouteTable {
  private readonly entries = new Array<TableEntry | undefined>(ROUTE_TABLE_ENTRIES).fill(undefined);

  /** Throws WireError. `tag`: whatever else decides the meaning of the bytes, here kind and flags. */
  find(kind: number, provisional: boolean, buffer: Buffer, start: number, end: number): DecodedRoute {
    if (kind > RouteKind.Mesh) throw new WireError(`route kind ${kind}`);
    if (end - start > ROUTE_TABLE_SECTION_BYTES) return decode(kind, provisional, buffer, start, end);
    const tag = provisional ? kind | 8 : kind;
    let hash = tag;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + buffer[i]) | 0;
    hash ^= hash >>> 15;
    const slot = hash & (ROUTE_TABLE_ENTRIES - 1);
    const entry = this.entries[slot];
    if (entry !== undefined && entry.tag === tag && same(entry.bytes, buffer, start, end)) return entry.route;
    const route = decode(kind, provisional, buffer, start, end);
    this.entries[slot] = { tag, bytes: Uint8Array.from(buffer.subarray(start, end)), route };
    return route;
  }
}

function same(bytes: Uint8Array, buffer: Buffer, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== buffer[start + i]) return false;
  return true;
}

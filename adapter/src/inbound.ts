// What comes from the sidecar: control frames to the client, DATA frames to the namespace they are
// for. The hot path of a receiver: nothing is allocated for the header, and the body stays in the read
// buffer. A frame whose inside is broken is counted and dropped; only a broken length, an unknown type or
// a frame out of turn throws, and costs the connection.
import { ByteReader, ByteWriter, type MemberId } from "./bytes";
import type { Client } from "./client";
import type { Frame } from "./contracts";
import { rethrowLater } from "./calmly";
import { WireError } from "./errors";
import { fromWireName, toWireName } from "./names";
import { RouteTable } from "./routes";
import { FrameSplitter } from "./splitter";
import {
  DATA,
  DATA_HEADER_BYTES,
  DOWN_REASONS,
  Flag,
  GAP_REASONS,
  In,
  Kind,
  Part,
  RouteKind,
  TWO_32,
} from "./wire";
import { decodeValue } from "./values";

/** Offsets in a DATA frame are counted from its type byte here: the length field is behind us. */
const ROUTE_AT = DATA_HEADER_BYTES - 4;

const NO_MEMBER: MemberId = { lo: 0, hi: 0, hex: "0000000000000000" };

function u32(buffer: Buffer, at: number): number {
  return (buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24)) >>> 0;
}

export class Inbound {
  /** Since the start: frames delivered, dropped as duplicates, dropped as broken, for nobody here. */
  received = 0;
  duplicates = 0;
  broken = 0;
  strays = 0;
  /** Messages that others, or sidecars, declared lost. */
  lost = 0;
  /** Bytes of DATA since the last TAKEN report. */
  unreportedBytes = 0;

  private readonly splitter = new FrameSplitter((buffer, start, end) => this.frame(buffer, start, end));
  private readonly routes = new RouteTable();
  /** DATA frames taken on this attachment, and of these the reported ones. */
  private taken = 0;
  private reported = 0;
  private readonly header: Frame = { kind: Kind.Broadcast, flags: 0, origin: NO_MEMBER, seq: 0 };

  constructor(private readonly client: Client) {}

  get unreported(): number {
    return this.taken - this.reported;
  }

  /** DATA frames taken on this attachment, or on the last one, and what GAPs stood for. */
  get delivered(): number {
    return this.taken;
  }

  /** A new attachment. */
  reset(): void {
    this.splitter.reset();
    this.taken = this.reported = this.unreportedBytes = 0;
  }

  /** The count to report; it counts as reported from here on. */
  report(): number {
    this.reported = this.taken;
    this.unreportedBytes = 0;
    return this.taken;
  }

  feed(buffer: Buffer, length: number): void {
    this.splitter.feed(buffer, length);
  }

  private frame(buffer: Buffer, start: number, end: number): boolean {
    if (buffer[start] === DATA && this.client.welcomed) this.data(buffer, start, end);
    else this.control(buffer[start] as In, new ByteReader(buffer, start + 1, end));
    return this.client.attached;
  }

  private data(buffer: Buffer, start: number, end: number): void {
    this.taken++;
    this.unreportedBytes += end - start;
    const routeEnd = start + ROUTE_AT + u32(buffer, start + 4);
    if (end - start < ROUTE_AT || routeEnd > end) {
      this.client.protocolError(new WireError("DATA frame too short"));
      return;
    }
    const origin = this.client.origins.find(u32(buffer, start + 8), u32(buffer, start + 12));
    const seq = u32(buffer, start + 20) * TWO_32 + u32(buffer, start + 16);
    const header = this.header;
    header.flags = buffer[start + 1]!;
    header.kind = buffer[start + 3] as Kind;
    const again = seq <= origin.seq;
    if (again) {
      this.duplicates++;
      // Nobody waits for it, or the answer to it is what came again.
      if ((header.flags & (Flag.WantsRouted | Flag.Provisional)) === 0 || header.kind >= Kind.Response) return;
    } else {
      origin.seq = seq;
      this.received++;
    }
    header.origin = origin;
    header.seq = seq;
    try {
      const provisional = (header.flags & Flag.Provisional) !== 0;
      const route = this.routes.find(buffer[start + 2], provisional, buffer, start + ROUTE_AT, routeEnd);
      if (header.kind === Kind.Response) {
        this.response(origin, new ByteReader(buffer, routeEnd, end));
        return;
      }
      if (header.kind === Kind.Gap) {
        this.gap(origin.hex, new ByteReader(buffer, routeEnd, end).varint());
        return;
      }
      const endpoint = this.client.endpoints.get(route.nsp);
      if (endpoint === undefined) this.strays++;
      else if (again) endpoint.receiveAgain(header);
      else endpoint.receive(header, route, buffer, routeEnd, end);
      if (provisional) this.joined(origin, seq, route.nsp);
    } catch (error) {
      if (error instanceof WireError) this.client.protocolError(error);
      else rethrowLater(error);
    }
  }

  private response(origin: MemberId, reader: ByteReader): void {
    const seq = reader.u64();
    const part = reader.u8() as Part;
    const value = part === Part.Nothing ? undefined : decodeValue(reader.buffer, reader.at, reader.end);
    this.client.requests.answer(seq, origin.hex, part, value);
  }

  private gap(where: string, messages: number): void {
    this.lost += messages;
    this.client.recovery?.incomplete();
    this.client.telling.gap({ messages, reason: "the publisher could not keep them", where });
  }

  /** Answers a SOCKETS_JOIN: the interest that it made is written before this frame. */
  private joined(origin: MemberId, seq: number, nsp: string): void {
    const section = new ByteWriter(64).id(origin).string(toWireName(nsp)).take();
    const body = new ByteWriter(8).u64(seq).take();
    this.client.publisher.body(Kind.Joined, Flag.Release, { kind: RouteKind.Member, section }, body);
  }

  private control(type: In, reader: ByteReader): void {
    const client = this.client;
    if (type === In.Welcome && !client.welcomed) {
      client.onWelcome(reader);
      return;
    }
    if (type === In.Refused) {
      client.onRefused(reader.u16(), reader.string());
      return;
    }
    if (!client.welcomed) throw new WireError(`frame of type ${type} before the welcome`);
    switch (type) {
      case In.MemberUp:
        this.memberUp(reader);
        return;
      case In.MemberDown: {
        const id = reader.id();
        client.origins.down(id.hex, Date.now());
        client.members.down(id.hex, DOWN_REASONS[reader.u8()] ?? DOWN_REASONS[0]);
        return;
      }
      case In.Presence: {
        const id = reader.id();
        const present = reader.u8() === 1;
        client.members.presence(id.hex, fromWireName(reader.string()), present);
        return;
      }
      case In.Routed: {
        const seq = reader.u64();
        const members = new Set<string>();
        for (let count = reader.count(8); count > 0; count--) members.add(reader.id().hex);
        client.requests.routed(seq, members);
        return;
      }
      case In.Taken:
        client.outbox.take(reader.u64());
        return;
      case In.Synced: {
        const id = reader.u32();
        client.joins.synced(id, reader.u8() === 0);
        return;
      }
      case In.Gap: {
        this.taken += reader.u64();
        const messages = reader.u64();
        this.lost += messages;
        const reason = GAP_REASONS[reader.u8()] ?? GAP_REASONS[0];
        client.recovery?.incomplete();
        client.telling.gap({ messages, reason, where: reader.string() });
        return;
      }
      case In.Ping:
        client.onPing(reader.raw(8));
        return;
      case In.Restored:
      case In.Replay:
      case In.CloseSession:
        client.recovery?.handle(type, reader);
        return;
      default:
        throw new WireError(`frame of type ${type}`);
    }
  }

  private memberUp(reader: ByteReader): void {
    const id = reader.id();
    const sidecar = reader.string();
    const name = reader.string();
    const namespaces: string[] = [];
    for (let count = reader.count(1); count > 0; count--) namespaces.push(fromWireName(reader.string()));
    if (id.hex === this.client.id.hex) return;
    this.client.origins.up(id.hex);
    this.client.members.up(id, sidecar, name, namespaces);
  }
}

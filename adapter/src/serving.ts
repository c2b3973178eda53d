// What other servers ask of this one: the frames of one namespace, apart from plain broadcasts.
// Called synchronously where a frame is handled; may throw WireError, which drops the frame.
import type { BroadcastOptions } from "socket.io-adapter";
import { ByteReader, ByteWriter, type MemberId } from "./bytes";
import { calmly } from "./calmly";
import type { Client } from "./client";
import type { Frame } from "./contracts";
import { WireError } from "./errors";
import { FETCH_PART_BYTES, FETCH_PART_SOCKETS, MAX_ACK_MS, MAX_SERVED_REQUESTS } from "./limits";
import { forgetAcks, type Local, type LocalSocket } from "./local";
import { fromWireName } from "./names";
import { readChunks, type PacketDecoder } from "./packets";
import type { RouteEncoder } from "./routes";
import { decodeValue, encodeValue } from "./values";
import { Flag, Kind, Part } from "./wire";

/** Events that only Socket.IO itself may emit on a namespace. */
const RESERVED_EVENTS = new Set(["connect", "connection", "new_namespace"]);

/** An acknowledgement request whose clients have not all answered. */
interface Served {
  readonly timer: NodeJS.Timeout;
  readonly packetId: number;
  readonly key: string;
}

export class Serving {
  private readonly served = new Set<Served>();
  /** Requests whose final answer is still to come. */
  private readonly open = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly routes: RouteEncoder,
    private readonly local: Local,
    private readonly decoder: PacketDecoder,
  ) {}

  handle(frame: Frame, opts: BroadcastOptions, buffer: Buffer, start: number, end: number): void {
    const reader = new ByteReader(buffer, start, end);
    switch (frame.kind) {
      case Kind.BroadcastAck:
        this.broadcastWithAck(frame, opts, reader);
        return;
      case Kind.SocketsJoin:
        this.local.addSockets(opts, readRooms(reader));
        return;
      case Kind.SocketsLeave:
        this.local.delSockets(opts, readRooms(reader));
        return;
      case Kind.DisconnectSockets:
        this.local.disconnectSockets(opts, reader.u8() === 1);
        return;
      case Kind.FetchSockets:
        this.fetchSockets(frame.origin, frame.seq, opts);
        return;
      case Kind.ServerSideEmit:
        this.serverSideEmit(frame, decodeValue(buffer, start, end));
        return;
      default:
        throw new WireError(`message of kind ${frame.kind}`);
    }
  }

  /** The adapter is closed: nobody is answered any more. */
  close(): void {
    for (const request of this.served) clearTimeout(request.timer);
    this.served.clear();
    this.open.clear();
  }

  /**
   * The publisher wrote the request again, as it does at each attachment until it is taken, and waits for
   * everyone that it went to this time. Who has taken later messages can't act on it any more.
   */
  answerAgain({ flags, origin, seq }: Frame): void {
    if ((flags & Flag.WantsRouted) === 0 || this.open.has(keyOf(origin, seq))) return;
    this.publishResponse(origin, seq, Part.Nothing, NO_VALUE);
  }

  /** Bounded: past that the oldest counts as one that nobody answers. */
  private begin(origin: MemberId, seq: number): void {
    if (this.open.size >= MAX_SERVED_REQUESTS) {
      for (const oldest of this.open) {
        this.open.delete(oldest);
        break;
      }
    }
    this.open.add(keyOf(origin, seq));
  }

  private broadcastWithAck(frame: Frame, opts: BroadcastOptions, reader: ByteReader): void {
    const { origin, seq } = frame;
    const chunks = readChunks(reader);
    const timeout = reader.left > 0 ? Math.min(reader.varint(), MAX_ACK_MS) : MAX_ACK_MS;
    const packet = this.decodePacket(chunks);
    let left = 0;
    let total = 0;
    let request: Served | undefined;
    this.begin(origin, seq);
    this.local.broadcastWithAck(
      packet,
      opts,
      (count) => {
        left = total = count;
      },
      (value) => {
        this.respond(origin, seq, Part.Partial, value);
        if (--left > 0) return;
        if (request !== undefined) this.end(request);
        this.respond(origin, seq, Part.Final, total);
      },
    );
    if (left === 0) this.respond(origin, seq, Part.Final, 0);
    else request = this.serve(packet.id!, timeout, keyOf(origin, seq));
  }

  /** Bounds what waits for clients, in number and in time; past that they answer to nobody. */
  private serve(packetId: number, timeout: number, key: string): Served {
    if (this.served.size >= MAX_SERVED_REQUESTS) {
      for (const oldest of this.served) {
        this.abandon(oldest);
        break;
      }
    }
    const timer = setTimeout(() => this.abandon(request), timeout);
    timer.unref();
    const request: Served = { timer, packetId, key };
    this.served.add(request);
    return request;
  }

  private end(request: Served): void {
    clearTimeout(request.timer);
    this.served.delete(request);
  }

  private abandon(request: Served): void {
    this.end(request);
    this.open.delete(request.key);
    forgetAcks(this.local, request.packetId);
  }

  private decodePacket(chunks: ReturnType<typeof readChunks>): { type: number; data: unknown; id?: number } {
    try {
      const packet = this.decoder.decode(chunks);
      return { type: packet.type, data: packet.data };
    } catch (error) {
      throw new WireError(`packet can't be decoded: ${String(error)}`);
    }
  }

  private fetchSockets(origin: MemberId, seq: number, opts: BroadcastOptions): void {
    this.begin(origin, seq);
    void this.local.fetchSockets(opts).then((sockets) => {
      calmly(() => {
        for (let at = 0; at + FETCH_PART_SOCKETS < sockets.length; at += FETCH_PART_SOCKETS) {
          this.respondSockets(origin, seq, Part.Partial, sockets.slice(at, at + FETCH_PART_SOCKETS));
        }
        const rest = sockets.length % FETCH_PART_SOCKETS || FETCH_PART_SOCKETS;
        this.respondSockets(origin, seq, Part.Final, sockets.slice(-rest));
      });
    });
  }

  private respondSockets(origin: MemberId, seq: number, part: Part, sockets: LocalSocket[]): void {
    const value = encodeSockets(sockets);
    if (value.length > FETCH_PART_BYTES && sockets.length > 1) {
      const half = sockets.length >>> 1;
      this.respondSockets(origin, seq, Part.Partial, sockets.slice(0, half));
      this.respondSockets(origin, seq, part, sockets.slice(half));
      return;
    }
    if (this.publishResponse(origin, seq, part, value) > 0 || part === Part.Partial) return;
    this.respond(origin, seq, part, []);
  }

  private serverSideEmit(frame: Frame, args: unknown): void {
    if (!Array.isArray(args) || typeof args[0] !== "string" || RESERVED_EVENTS.has(args[0])) {
      throw new WireError("serverSideEmit without an event");
    }
    // An EventEmitter throws at an "error" that nobody listens to; the sender can't mean that.
    if (args[0] === "error" && !this.local.hasListeners("error")) return;
    if ((frame.flags & Flag.WantsRouted) === 0) {
      this.local.serverSideEmit(args);
      return;
    }
    const { origin, seq } = frame;
    this.begin(origin, seq);
    let called = false;
    const ack = (value: unknown): void => {
      if (called) return;
      called = true;
      this.respond(origin, seq, Part.Final, value);
    };
    this.local.serverSideEmit([...(args as unknown[]), ack]);
  }

  private respond(origin: MemberId, seq: number, part: Part, value: unknown): void {
    this.publishResponse(origin, seq, part, encodeValue(value));
  }

  private publishResponse(origin: MemberId, seq: number, part: Part, value: Uint8Array): number {
    if (part !== Part.Partial) this.open.delete(keyOf(origin, seq));
    const body = new ByteWriter(9 + value.length).u64(seq).u8(part).raw(value).take();
    return this.client.publisher.body(Kind.Response, 0, this.routes.member(origin), body);
  }
}

const NO_VALUE = new Uint8Array(0);

function keyOf(origin: MemberId, seq: number): string {
  return `${origin.hex}.${seq}`;
}

function readRooms(reader: ByteReader): string[] {
  const rooms: string[] = [];
  for (let count = reader.count(1); count > 0; count--) rooms.push(fromWireName(reader.string()));
  reader.done();
  return rooms;
}

/** What a RemoteSocket is made of. */
function describe(socket: LocalSocket): Record<string, unknown> {
  const handshake: Record<string, unknown> = { ...socket.handshake };
  // As the other adapters do: it may hold circular references.
  delete handshake["sessionStore"];
  return { id: socket.id, handshake, rooms: [...socket.rooms], data: socket.data };
}

/** One socket whose data can't be sent does not hide the others: it comes without its data. */
function encodeSockets(sockets: LocalSocket[]): Buffer {
  const all = sockets.map(describe);
  try {
    return encodeValue(all);
  } catch {
    return encodeValue(all.map((socket) => (sendable(socket) ? socket : { ...socket, handshake: {}, data: {} })));
  }
}

function sendable(socket: Record<string, unknown>): boolean {
  try {
    encodeValue(socket);
    return true;
  } catch {
    return false;
  }
}

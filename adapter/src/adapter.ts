// The Socket.IO adapter of one namespace: the in-memory adapter, and the mesh beside it.
//
// Whatever it publishes is encoded, numbered, queued and acted upon locally in the turn of the call;
// nothing waits for the sidecar. Made to be subclassed: every method may be overridden, and received
// broadcasts pass through deliver().
import { Adapter, type BroadcastOptions, type Room, type SocketId } from "socket.io-adapter";
import { Asking, flagBits } from "./asking";
import { ByteWriter } from "./bytes";
import type { Client } from "./client";
import type { Endpoint, Frame } from "./contracts";
import { WireError } from "./errors";
import { Interest } from "./interest";
import type { Local, LocalSocket } from "./local";
import { toWireName } from "./names";
import { checkBody, EncodedPacket, ReceivedPacket, type Chunk, type SocketIoPacket } from "./packets";
import { WholePacketDecoder } from "./parser";
import { RouteEncoder, type DecodedRoute } from "./routes";
import { Serving } from "./serving";
import type { MeshServer } from "./server";
import { Flag, Kind } from "./wire";

/** The namespace, as far as the adapter knows it. */
interface Nsp {
  readonly name: string;
  readonly sockets: Map<SocketId, LocalSocket>;
  readonly server: { readonly encoder: { encode(packet: SocketIoPacket): Chunk[] } };
  _onServerSideEmit(args: unknown[]): void;
  listenerCount(event: string): number;
}

interface PacketOptions {
  wsPreEncodedFrame?: Buffer[];
}

export class SocketMeshAdapter extends Adapter {
  /** The attachment, shared by the namespaces of the server. */
  protected readonly mesh: MeshServer;
  private readonly client: Client;
  private readonly routes: RouteEncoder;
  private readonly interest: Interest;
  private readonly decoder: WholePacketDecoder;
  private readonly asking: Asking;
  private readonly serving: Serving;
  private readonly endpoint: Endpoint;
  private readonly reportBroken: (error: unknown) => void;
  private closed = false;
  private lastRoute: DecodedRoute | undefined;
  private lastFlags = 0;
  private lastOptions: BroadcastOptions | undefined;

  constructor(nsp: unknown, mesh: MeshServer) {
    super(nsp);
    const { name } = nsp as Nsp;
    this.mesh = mesh;
    this.client = mesh.client;
    this.routes = new RouteEncoder(name);
    this.interest = new Interest(name);
    this.decoder = mesh.decoder;
    const local = this.inMemory(nsp as Nsp);
    const encode = (packet: SocketIoPacket): Chunk[] => this.encodePacket(packet);
    this.asking = new Asking(name, this.client, this.routes, local, encode, mesh.requestTimeoutMs);
    this.serving = new Serving(this.client, this.routes, local, this.decoder);
    this.reportBroken = (error) => this.client.protocolError(error);
    this.endpoint = {
      nspName: name,
      interest: this.interest,
      roomNames: () => this.rooms.keys(),
      receive: (frame, route, buffer, start, end) => this.receive(frame, route, buffer, start, end),
      receiveAgain: (frame) => this.serving.answerAgain(frame),
      tell: (event, ...detail) => void this.emit(event, ...detail),
    };
  }

  override init(): void {
    this.mesh.open(this.endpoint);
  }

  /** Leaves the mesh with the last namespace, once everything is written. */
  override close(): Promise<void> {
    this.closed = true;
    this.serving.close();
    return this.mesh.close(this.endpoint);
  }

  /** The servers of the mesh on which this namespace exists, this one included. */
  override serverCount(): Promise<number> {
    return Promise.resolve(1 + this.client.members.in(this.endpoint.nspName).size);
  }

  // ---- rooms -----------------------------------------------------------------------------------

  /** The promise resolves when each peer knows of the rooms, at the latest after a second. */
  override addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    for (const room of rooms) {
      if (this.rooms.has(room)) continue;
      this.interest.change(room, true);
      this.client.joins.added();
    }
    void super.addAll(id, rooms);
    if (this.interest.dirty) this.client.interestChanged(this.interest);
    // Socket.IO's own join of a socket to its id is not awaited by anyone.
    if (this.closed || (rooms.size === 1 && rooms.has(id))) return undefined;
    return this.client.joined();
  }

  override del(id: SocketId, room: Room): void {
    const existed = this.rooms.has(room);
    void super.del(id, room);
    if (existed) this.left(room);
  }

  override delAll(id: SocketId): void {
    const rooms = this.sids.get(id);
    if (rooms === undefined) return;
    const left = [...rooms].filter((room) => this.rooms.has(room));
    super.delAll(id);
    for (const room of left) this.left(room);
  }

  private left(room: Room): void {
    if (this.rooms.has(room)) return;
    this.interest.change(room, false);
    this.client.interestChanged(this.interest);
  }

  // ---- broadcasts --------------------------------------------------------------------------------

  override broadcast(packet: SocketIoPacket, opts: BroadcastOptions): void {
    const flags = opts.flags;
    const message = new EncodedPacket(packet, this.endpoint.nspName, this.encodePacket(packet));
    // A packet with an id is a socket's own, sent this way for its recovery: nobody else could answer it.
    if ((flags === undefined || !flags.local) && packet.id === undefined && !this.closed) {
      const route = this.routes.rooms(opts.rooms, opts.except);
      this.client.publisher.packet(Kind.Broadcast, flagBits(flags), route, message);
    }
    const deliveries = this.client.deliveries;
    if (deliveries.active) {
      message.forgetSource();
      deliveries.defer(() => super.broadcast(message, opts));
      return;
    }
    deliveries.begin();
    try {
      super.broadcast(message, opts);
    } finally {
      deliveries.end();
    }
  }

  override broadcastWithAck(
    packet: SocketIoPacket,
    opts: BroadcastOptions,
    clientCountCallback: (clientCount: number) => void,
    ack: (...args: unknown[]) => void,
  ): void {
    this.asking.broadcastWithAck(packet, opts, clientCountCallback, ack);
  }

  /**
   * A broadcast of another server, to the clients here. `packet.data` is decoded when it is read, and
   * can't be read for the first time after the call. `origin` and `seq` are the id of the message.
   */
  protected deliver(packet: SocketIoPacket, opts: BroadcastOptions, _origin: string, _seq: number): void {
    super.broadcast(packet, opts);
  }

  // ---- the other sockets of the namespace ----------------------------------------------------------

  override addSockets(opts: BroadcastOptions, rooms: Room[]): void {
    if (!opts.flags?.local) {
      const route = this.routes.joins(opts.rooms, opts.except, rooms);
      this.client.publisher.body(Kind.SocketsJoin, Flag.Provisional, route, encodeRooms(rooms));
    }
    this.inOrder(() => super.addSockets(opts, rooms));
  }

  override delSockets(opts: BroadcastOptions, rooms: Room[]): void {
    if (!opts.flags?.local) {
      const route = this.routes.rooms(opts.rooms, opts.except);
      this.client.publisher.body(Kind.SocketsLeave, 0, route, encodeRooms(rooms));
    }
    this.inOrder(() => super.delSockets(opts, rooms));
  }

  override disconnectSockets(opts: BroadcastOptions, close: boolean): void {
    if (!opts.flags?.local) {
      const route = this.routes.rooms(opts.rooms, opts.except);
      this.client.publisher.body(Kind.DisconnectSockets, 0, route, Uint8Array.of(close ? 1 : 0));
    }
    this.inOrder(() => super.disconnectSockets(opts, close));
  }

  override fetchSockets(opts: BroadcastOptions): Promise<any[]> {
    return this.asking.fetchSockets(opts);
  }

  override async sockets(rooms: Set<Room>): Promise<Set<SocketId>> {
    const sockets = (await this.fetchSockets({ rooms, except: new Set() })) as { id: SocketId }[];
    return new Set(sockets.map((socket) => socket.id));
  }

  override serverSideEmit(packet: unknown[]): void {
    this.asking.serverSideEmit(packet);
  }

  /** After the delivery that is under way, if there is one: an emit before it comes before it. */
  private inOrder(act: () => void): void {
    if (this.client.deliveries.active) this.client.deliveries.defer(act);
    else act();
  }

  // ---- reception -----------------------------------------------------------------------------------

  private receive(frame: Frame, route: DecodedRoute, buffer: Buffer, start: number, end: number): void {
    if (frame.kind !== Kind.Broadcast) {
      this.serving.handle(frame, optionsOf(route, frame.flags), buffer, start, end);
      return;
    }
    if (!checkBody(buffer, start, end)) throw new WireError("broken packet");
    const name = this.endpoint.nspName;
    const packet = new ReceivedPacket(name, buffer, start, end, this.decoder, this.reportBroken);
    const deliveries = this.client.deliveries;
    deliveries.begin();
    try {
      this.deliver(packet, this.deliveryOptions(route, frame.flags), frame.origin.hex, frame.seq);
    } finally {
      packet.seal();
      deliveries.end();
    }
  }

  /** The in-memory adapter only reads the options, so those of the last route serve again; a subclass gets its own. */
  private deliveryOptions(route: DecodedRoute, flags: number): BroadcastOptions {
    if (this.deliver !== SocketMeshAdapter.prototype.deliver) return optionsOf(route, flags);
    if (this.lastOptions === undefined || this.lastRoute !== route || this.lastFlags !== flags) {
      this.lastRoute = route;
      this.lastFlags = flags;
      this.lastOptions = optionsOf(route, flags);
    }
    return this.lastOptions;
  }

  private encodePacket(packet: SocketIoPacket): Chunk[] {
    const { type, data, id } = packet;
    const nsp = this.endpoint.nspName;
    // Some parsers write every key that there is, so there is no id where there is none.
    return (this.nsp as Nsp).server.encoder.encode(id === undefined ? { type, data, nsp } : { type, data, nsp, id });
  }

  private inMemory(nsp: Nsp): Local {
    return {
      broadcastWithAck: (packet, opts, onCount, ack) => super.broadcastWithAck(packet, opts, onCount, ack),
      addSockets: (opts, rooms) => super.addSockets(opts, rooms),
      delSockets: (opts, rooms) => super.delSockets(opts, rooms),
      disconnectSockets: (opts, close) => super.disconnectSockets(opts, close),
      fetchSockets: (opts) => super.fetchSockets(opts),
      serverSideEmit: (args) => nsp._onServerSideEmit(args),
      hasListeners: (event) => nsp.listenerCount(event) > 0,
      sockets: () => nsp.sockets.values(),
    };
  }
}

// The in-memory adapter's broadcast() encodes through this method, which its types keep private.
const inMemoryEncode = (Adapter.prototype as unknown as { _encode: EncodeMethod })._encode;
type EncodeMethod = (this: Adapter, packet: SocketIoPacket, options: PacketOptions) => Chunk[];
const encodeOnce: EncodeMethod = function (packet, options) {
  if (!(packet instanceof EncodedPacket) && !(packet instanceof ReceivedPacket)) {
    return inMemoryEncode.call(this, packet, options);
  }
  if (this.sids.size > 0) {
    const frame = packet.wsFrame();
    if (frame !== undefined) options.wsPreEncodedFrame = frame;
  }
  return packet.chunks;
};
Object.defineProperty(SocketMeshAdapter.prototype, "_encode", { value: encodeOnce, writable: true, configurable: true });

function optionsOf(route: DecodedRoute, flags: number): BroadcastOptions {
  return { rooms: setOf(route.rooms), except: setOf(route.except), flags: flagsOf(flags) };
}

function setOf(names: readonly string[]): Set<string> {
  const set = new Set<string>();
  for (let i = 0; i < names.length; i++) set.add(names[i]);
  return set;
}

function flagsOf(bits: number): NonNullable<BroadcastOptions["flags"]> {
  const flags: NonNullable<BroadcastOptions["flags"]> = {};
  if ((bits & Flag.Volatile) !== 0) flags.volatile = true;
  if ((bits & Flag.CompressSet) !== 0) flags.compress = (bits & Flag.CompressValue) !== 0;
  return flags;
}

function encodeRooms(rooms: Room[]): Uint8Array {
  const writer = new ByteWriter(64).varint(rooms.length);
  for (const room of rooms) writer.string(toWireName(room));
  return writer.take();
}


// The Socket.IO adapter of one namespace: the in-memory adapter, and the mesh beside it.
//
// Whatever it publishes is encoded, numbered, queued and acted upon locally in the turn of the call;
// nothing waits for the sidecar. Made to be subclassed: every method may be overridden, and received
// broadcasts pass through deliver().
import { Adapter, type BroadcastOptions, type Room, type SocketId } from "socket.io-adapter";
import { Asking, flagBits } from "./asking";
import type { Client } from "./client";
import type { Endpoint, Frame } from "./contracts";
import { WireError } from "./errors";
import { overrideInMemory } from "./in-memory";
import { Interest } from "./interest";
import type { Local, LocalSocket } from "./local";
import { encodeRooms, optionsOf } from "./options";
import { checkBody, EncodedPacket, ReceivedPacket, type Chunk, type SocketIoPacket } from "./packets";
import { WholePacketDecoder } from "./parser";
import { RecoveryNamespace } from "./recovery-namespace";
import type { MessageId } from "./recovery-messages";
import { RecoveryPublisher } from "./recovery-publisher";
import type { RecoverableNamespace } from "./recovery-sockets";
import { RouteEncoder, type DecodedRoute } from "./routes";
import { Serving } from "./serving";
import type { MeshServer } from "./server";
import { Flag, Kind, ORDER_BYTES } from "./wire";

/** The namespace, as far as the adapter knows it. */
interface Nsp {
  readonly name: string;
  readonly sockets: Map<SocketId, LocalSocket>;
  readonly server: { readonly encoder: { encode(packet: SocketIoPacket): Chunk[] } };
  _onServerSideEmit(args: unknown[]): void;
  listenerCount(event: string): number;
}

// Also for those outside the class who may not see it.
let recoveryOf: (adapter: SocketMeshAdapter) => RecoveryNamespace | undefined;

export class SocketMeshAdapter extends Adapter {
  static {
    recoveryOf = (adapter) => adapter.recovery;
  }

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
  /** Only where the server's connectionStateRecovery is on. */
  private readonly recovery: RecoveryNamespace | undefined;
  private readonly recoverable: RecoveryPublisher;
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
    this.recoverable = new RecoveryPublisher(name, this.client, this.routes, encode);
    if (this.client.recovery !== undefined) {
      this.recovery = new RecoveryNamespace(this.client.recovery, nsp as RecoverableNamespace);
    }
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
    if (this.recovery !== undefined) this.client.recovery!.add(this.recovery);
    this.mesh.open(this.endpoint);
  }

  /** Leaves the mesh with the last namespace, once everything is written. */
  override close(): Promise<void> {
    this.closed = true;
    this.serving.close();
    if (this.recovery !== undefined) this.client.recovery!.remove(this.recovery);
    return this.mesh.close(this.endpoint);
  }

  /** The servers of the mesh on which this namespace exists, this one included. */
  override serverCount(): Promise<number> {
    return Promise.resolve(1 + this.client.members.in(this.endpoint.nspName).size);
  }

  // ---- rooms -----------------------------------------------------------------------------------

  /** The promise resolves when each peer knows of the rooms, at the latest after a second. */
  override addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    if (this.recovery !== undefined) this.recovery.sessions.joining(id, rooms, this.sids.get(id));
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
    if (this.recovery !== undefined && this.sids.get(id)?.has(room)) this.recovery.sessions.leaving(id, [room]);
    void super.del(id, room);
    if (existed) this.left(room);
  }

  override delAll(id: SocketId): void {
    const rooms = this.sids.get(id);
    if (rooms === undefined) return;
    if (this.recovery !== undefined) this.recovery.sessions.leaving(id, rooms);
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
    if (this.recovery !== undefined) {
      const { message, id } = this.recoverable.broadcast(packet, opts, this.closed);
      this.broadcastHere(message, opts, id);
      return;
    }
    const flags = opts.flags;
    const message = new EncodedPacket(packet, this.endpoint.nspName, this.encodePacket(packet));
    if ((flags === undefined || !flags.local) && packet.id === undefined && !this.closed) {
      const route = this.routes.rooms(opts.rooms, opts.except);
      this.client.publisher.packet(Kind.Broadcast, flagBits(flags), route, message);
    }
    this.broadcastHere(message, opts, undefined);
  }

  private broadcastHere(message: EncodedPacket, opts: BroadcastOptions, id: MessageId | undefined): void {
    const deliveries = this.client.deliveries;
    if (deliveries.active) {
      message.forgetSource();
      deliveries.defer(() => this.write(message, opts, id));
      return;
    }
    deliveries.begin();
    try {
      this.write(message, opts, id);
    } finally {
      deliveries.end();
    }
  }

  /** To the clients here. `id`: that of a message with an offset. */
  private write(packet: EncodedPacket | SocketIoPacket, opts: BroadcastOptions, id: MessageId | undefined): void {
    if (id !== undefined) this.recovery!.delivering(id, opts, () => (packet as EncodedPacket).chunks);
    super.broadcast(packet, opts);
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
  protected deliver(packet: SocketIoPacket, opts: BroadcastOptions, origin: string, seq: number): void {
    const logged = this.recovery !== undefined && packet instanceof ReceivedPacket && packet.logged;
    this.write(packet, opts, logged ? { origin, seq } : undefined);
  }

  // ---- connection state recovery ---------------------------------------------------------------

  override persistSession(session: { sid: SocketId }): void {
    this.recovery?.sessions.persist(session.sid);
  }

  override restoreSession(pid: string, offset: string): Promise<any> {
    return this.recovery?.restore(pid, offset) ?? Promise.resolve(null);
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
    const logged = (frame.flags & Flag.Logged) !== 0;
    if (logged) end -= ORDER_BYTES;
    if (!checkBody(buffer, start, end)) throw new WireError("broken packet");
    const name = this.endpoint.nspName;
    const packet = new ReceivedPacket(name, buffer, start, end, this.decoder, this.reportBroken, logged);
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

overrideInMemory(SocketMeshAdapter.prototype, recoveryOf);

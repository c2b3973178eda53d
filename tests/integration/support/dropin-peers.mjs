// Peers that speak the protocol of socket.io-mesh-adapter, v2 and v1, written from its description
// alone: what discovery says, who dials, hello, and when a peer is cut. They keep a record of all of
// it for the tests to judge.
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { decode, encode } from "@msgpack/msgpack";
import WebSocket, { WebSocketServer } from "ws";

const HELLO = 0x00;
const MESH = 0x01;
const HELLO_TIMEOUT = 10_000;
const BUFFERED_MAX = 16 << 20;
/** Redial, and the time for which a peer with a changed address stays cut: 1 to 2 s. */
const pause = () => 1000 + Math.random() * 1000;

/** A WebSocket server on any port of that address. */
async function listen(host) {
  const server = new WebSocketServer({ host, port: 0, maxPayload: 64 << 20 });
  await once(server, "listening");
  return server;
}

/** What both versions do with the discovery service. */
class Peer {
  rosters = [];
  cuts = []; // peers that an update made it cut: { id, why }
  received = []; // { from, data }
  goneAt = {}; // id -> when an update was the first without it
  stopped = false;

  /** `host`: where it listens. `address`: what it registers; absent: as the package does, localhost. */
  constructor({ discovery, id, token, address, path = "", host = "127.0.0.1" }) {
    this.host = host;
    this.discoveryAddress = discovery;
    this.id = id;
    this.token = token;
    this.givenAddress = address;
    this.path = path;
  }

  async start() {
    this.server = await listen(this.host);
    this.port = this.server.address().port;
    this.address = this.givenAddress ?? `ws://localhost:${this.port}${this.path}`;
    this.server.on("connection", (socket) => this.accepted(socket));
    this.connect();
    return this;
  }

  connect() {
    const socket = new WebSocket(this.discoveryAddress);
    this.discovery = socket;
    socket.on("open", () => {
      const message = { type: "register", serverId: this.id, address: this.address };
      if (this.token !== undefined) message.token = this.token;
      socket.send(encode(message));
    });
    socket.on("message", (data, binary) => {
      if (!binary) throw new Error("discovery sends binary messages");
      const message = decode(data);
      if (message.type !== "update") throw new Error(`discovery says ${message.type}`);
      const roster = new Map(message.servers.map(({ serverId, address }) => [serverId, address]));
      for (const id of this.roster.keys()) if (!roster.has(id)) this.goneAt[id] = Date.now();
      this.rosters.push(roster);
      this.updated(roster);
    });
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      this.discoveryClosed = { code, reason: String(reason) };
      if (this.discovery === socket && !this.stopped) this.discoveryLost();
    });
  }

  get roster() {
    return this.rosters.at(-1) ?? new Map();
  }

  /** Without a word to anyone, as SIGKILL ends a process. */
  die() {
    this.stopped = true;
    this.server.close();
    for (const socket of this.server.clients) socket._socket.resetAndDestroy();
    for (const socket of this.dialled()) socket._socket?.resetAndDestroy();
    this.discovery._socket?.resetAndDestroy();
  }

  async stop() {
    this.stopped = true;
    for (const socket of this.dialled()) socket.terminate();
    this.discovery.close();
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((done) => this.server.close(done));
  }
}

export class V2Peer extends Peer {
  peers = new Map(); // uid -> { socket, address }
  redials = new Map();
  banned = new Map(); // uid -> until

  constructor(options) {
    super({ id: randomBytes(8).toString("hex"), ...options });
  }

  discoveryLost() {
    setTimeout(() => this.stopped || this.connect(), pause());
  }

  updated(roster) {
    for (const [uid, peer] of this.peers) {
      const address = roster.get(uid);
      if (address === peer.address) continue;
      this.cuts.push({ id: uid, why: address === undefined ? "missing" : `${peer.address} is ${address}` });
      if (address !== undefined && peer.accepted) this.banned.set(uid, Date.now() + pause());
      this.drop(uid);
    }
    for (const uid of roster.keys()) this.dialIfDue(uid);
  }

  dialIfDue(uid) {
    if (this.stopped || uid <= this.id || this.peers.has(uid) || !this.roster.has(uid)) return;
    const address = this.roster.get(uid);
    const socket = new WebSocket(address, { maxPayload: 64 << 20 });
    const peer = { socket, address, accepted: false };
    this.peers.set(uid, peer);
    socket.on("open", () => {
      const hello = { uid: this.id, address: this.address };
      if (this.token !== undefined) hello.token = this.token;
      socket.send(Buffer.concat([Buffer.of(HELLO), encode(hello)]));
      peer.up = true;
    });
    socket.on("error", () => undefined);
    this.listenTo(uid, peer);
  }

  accepted(socket) {
    let timer = setTimeout(() => socket.close(1002, "no hello"), HELLO_TIMEOUT);
    socket.on("error", () => undefined);
    socket.once("message", (data) => {
      clearTimeout(timer);
      if (data[0] !== HELLO) return socket.close(1002, "no hello");
      const { uid, address, token } = decode(data.subarray(1));
      if (this.peers.has(uid) || (this.banned.get(uid) ?? 0) > Date.now()) return socket.close(1000, "no");
      if (token !== this.token) return socket.close(4401, "unauthorized");
      this.hellos = [...(this.hellos ?? []), { uid, address }];
      const peer = { socket, address, accepted: true, up: true };
      this.peers.set(uid, peer);
      this.listenTo(uid, peer);
    });
    socket.on("close", () => clearTimeout(timer));
  }

  listenTo(uid, peer) {
    peer.socket.on("message", (data, binary) => {
      if (!binary || data[0] !== MESH) throw new Error(`${uid} sends kind ${data[0]}`);
      this.received.push({ from: uid, data: data.subarray(1) });
      this.onFrame?.(uid, data.subarray(1));
    });
    peer.socket.on("close", (code, reason) => {
      if (this.peers.get(uid) !== peer) return;
      peer.closed = { code, reason: String(reason) };
      this.lost = [...(this.lost ?? []), { uid, code }];
      this.drop(uid);
    });
  }

  drop(uid) {
    const peer = this.peers.get(uid);
    this.peers.delete(uid);
    peer.socket.terminate();
    setTimeout(() => this.dialIfDue(uid), pause());
  }

  /** A mesh frame of raw bytes (opaque to the sidecar) to one peer. */
  send(uid, bytes) {
    const { socket } = this.peers.get(uid);
    socket.send(Buffer.concat([Buffer.of(MESH), bytes]));
    if (socket.bufferedAmount > BUFFERED_MAX + bytes.length) this.drop(uid);
  }

  /** msgpack of a ClusterMessage. */
  broadcast(message, to = this.up()) {
    const bytes = encode(message);
    for (const uid of to) this.send(uid, bytes);
  }

  up() {
    return [...this.peers].filter(([, peer]) => peer.up).map(([uid]) => uid);
  }

  messages(from) {
    return this.received.filter((frame) => from === undefined || frame.from === from).map(({ data }) => decode(data));
  }

  dialled() {
    return [...this.peers.values()].map(({ socket }) => socket);
  }
}

export class V1Peer extends Peer {
  connections = new Map(); // server id -> the socket that this peer dialled

  constructor(options) {
    super({ id: randomUUID(), ...options });
  }

  // v1 never opens discovery again.
  discoveryLost() {}

  updated(roster) {
    for (const [id, { socket, address }] of this.connections) {
      if (roster.get(id) === address) continue;
      this.cuts.push({ id, why: roster.has(id) ? "address" : "missing" });
      this.connections.delete(id);
      socket.terminate();
    }
    for (const [id, address] of roster) {
      // Never again to a peer that was lost.
      if (id === this.id || this.connections.has(id) || this.tried?.has(`${id} ${address}`)) continue;
      this.tried = (this.tried ?? new Set()).add(`${id} ${address}`);
      const socket = new WebSocket(address);
      this.connections.set(id, { socket, address });
      socket.on("error", () => undefined);
      socket.on("message", (data) => this.received.push({ from: id, data: decode(data) }));
    }
  }

  accepted(socket) {
    socket.on("error", () => undefined);
    socket.on("message", (data) => {
      const message = decode(data);
      this.received.push({ data: message });
      // Answers go back on the connection that the request came in on.
      if (message.type === "fetch-sockets") {
        socket.send(encode({ type: "fetch-sockets-response", requestId: message.requestId, from: this.id }));
      }
    });
  }

  up() {
    return [...this.connections].filter(([, { socket }]) => socket.readyState === WebSocket.OPEN).map(([id]) => id);
  }

  send(message) {
    for (const { socket } of this.connections.values()) socket.send(encode(message));
  }

  dialled() {
    return [...this.connections.values()].map(({ socket }) => socket);
  }
}

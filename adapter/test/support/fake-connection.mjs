// An Engine.IO connection without a network under a real Socket.IO client: what a browser would send is told
// by a test, and what it would get is kept.
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Client } = require("../../node_modules/socket.io/dist/client.js");

export class FakeConnection extends EventEmitter {
  constructor(io, { protocol = 4 } = {}) {
    super();
    this.id = `conn-${Math.random()}`;
    this.protocol = protocol;
    this.readyState = "open";
    this.transport = { writable: true };
    this.request = { headers: {}, connection: {}, _query: {} };
    this.remoteAddress = "127.0.0.1";
    this.written = [];
    this.client = new Client(io, this);
  }

  /** As a client connects to "/". */
  connect(auth) {
    this.emit("data", `0${auth === undefined ? "" : JSON.stringify(auth)}`);
    return this;
  }

  disconnect() {
    this.emit("data", "1");
  }

  write(data) {
    if (this.readyState === "open") this.written.push(data);
  }

  close() {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.emit("close", "forced close");
  }

  lose() {
    this.readyState = "closed";
    this.emit("close", "transport close");
  }

  /** The payload of CONNECT: {sid, pid}. */
  get connected() {
    const packet = this.written.find((data) => data.startsWith("0{"));
    return packet && JSON.parse(packet.slice(1));
  }

  /** Events, in order. */
  get events() {
    return this.written.filter((data) => data.startsWith("2[")).map((data) => JSON.parse(data.slice(1)));
  }
}

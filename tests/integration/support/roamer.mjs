// A real client that loses its network and comes back, and remembers what it was told.
import assert from "node:assert/strict";
import { io as connect } from "socket.io-client";
import { until } from "./until.mjs";
import { Wire } from "./wire.mjs";

const OFFSET = /^[0-9a-f]{16}\.\d+$/;

export class Roamer {
  static async start(server, nsp = "/", options = {}) {
    const roamer = new Roamer();
    roamer.wire = await Wire.start(server.port);
    roamer.socket = connect(`${roamer.wire.url}${nsp}`, {
      forceNew: true,
      transports: ["websocket"],
      reconnectionDelay: 10,
      reconnectionDelayMax: 100,
      ...options,
    });
    /** Events without their offsets, and for each CONNECT whether it recovered the session. */
    roamer.got = [];
    roamer.connects = [];
    roamer.errors = [];
    /** What it got in each of its sessions. */
    roamer.lives = [];
    roamer.socket.onAny((...args) => {
      if (OFFSET.test(args.at(-1))) args.pop();
      roamer.got.push(args);
      roamer.lives.at(-1).push(args);
    });
    roamer.socket.on("connect", () => {
      roamer.connects.push(roamer.socket.recovered === true);
      if (!roamer.socket.recovered) roamer.lives.push([]);
    });
    roamer.socket.on("connect_error", (error) => roamer.errors.push(error));
    await roamer.connected(1);
    return roamer;
  }

  async connected(times = this.connects.length + 1) {
    await until(() => this.connects.length >= times && this.socket.connected, `connection ${times} of the client`);
  }

  /** Offline at once, with the server none the wiser. */
  offline() {
    this.wire.refuse();
    this.wire.cut();
  }

  /** Back, at this server; resolves when it is connected. */
  async online(server) {
    const times = this.connects.length + 1;
    this.wire.cut(server.port);
    this.wire.refuse(false);
    await this.connected(times);
  }

  /** What it got of one event: the first arguments. */
  of(event) {
    return this.got.filter(([name]) => name === event).map(([, first]) => first);
  }

  /** That it gets exactly these of one event, in this order, and once each. */
  async expect(event, expected) {
    const lacks = () => expected.filter((each) => !this.of(event).includes(each));
    await until(() => this.of(event).length >= expected.length, () => `${expected.length} "${event}"; lacks ${lacks()}`, 10_000);
    assert.deepEqual(this.of(event), expected);
  }

  /** Whatever happened, of no session it got numbers with a hole, out of order or twice. */
  expectNoHole() {
    for (const life of this.lives) {
      const last = new Map();
      for (const [event, n] of life) {
        const before = last.get(event) ?? n - 1;
        assert.equal(n, before + 1, `${event} after ${before}, in a session of ${life.length}; recovered: ${this.connects}`);
        last.set(event, n);
      }
    }
  }

  async stop() {
    this.socket.disconnect();
    await this.wire.stop();
  }
}

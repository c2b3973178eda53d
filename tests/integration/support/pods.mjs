// Pods: an app server and its sidecar that come and go together, traffic from all of them, and clients that
// go to another one when theirs is gone.
import assert from "node:assert/strict";
import { Roamer } from "./roamer.mjs";
import { AppServer, converged } from "./server.mjs";
import { Sidecars } from "./sidecar.mjs";
import { numbers } from "./traffic.mjs";
import { until } from "./until.mjs";

const RECOVERY = { server: { connectionStateRecovery: {} } };

export class Pods {
  /** @param recovery the sidecars' section of that name */
  static async start(count, recovery = "{window: 60s}") {
    const pods = new Pods();
    pods.sidecars = await Sidecars.start(count, { recovery });
    pods.servers = [];
    pods.roamers = [];
    /** How many were sent, by the name of the event; a server that is started again has names of its own. */
    pods.sent = new Map();
    pods.lives = 0;
    for (const i of numbers(count)) await pods.serve(i);
    await pods.together();
    return pods;
  }

  async serve(i) {
    const server = await AppServer.start(this.sidecars.all[i].address, RECOVERY);
    server.event = `p${i}.${this.lives++}`;
    this.servers[i] = server;
  }

  async together() {
    await until(() => this.servers.every((server) => server.of("attached").length > 0), "the servers to attach");
    await converged(this.servers);
    // What a server says before it knows of the others goes to nobody.
    for (const server of this.servers) server.emits = true;
  }

  /** `each` clients on each server, in the room. */
  async clients(each, room) {
    for (const [i, server] of this.servers.entries()) {
      for (const _ of numbers(each)) {
        const roamer = await Roamer.start(server);
        this.roamers.push(roamer);
        roamer.at = i;
        await (await until(() => server.io.of("/").sockets.get(roamer.socket.id), "the socket")).join(room);
      }
    }
  }

  /** Every server emits to the room from here on, until silence(). */
  traffic(room, everyMs = 5) {
    this.timer = setInterval(() => {
      for (const server of this.servers) {
        if (!server.emits) continue;
        const n = this.sent.get(server.event) ?? 0;
        server.io.to(room).emit(server.event, n);
        this.sent.set(server.event, n + 1);
      }
    }, everyMs);
  }

  silence() {
    clearInterval(this.timer);
  }

  /** The clients of this server find the next one, from now on. */
  divert(i) {
    const next = (i + 1) % this.servers.length;
    for (const roamer of this.roamers) {
      if (roamer.at !== i) continue;
      roamer.at = next;
      roamer.wire.port = this.servers[next].port;
    }
  }

  /** As a rolling update does it: the app ends, then its sidecar; then both are started again. */
  async roll(i, { sidecar = true } = {}) {
    const server = this.servers[i];
    this.divert(i);
    const times = this.roamers.map((roamer) => roamer.connects.length);
    const moved = this.roamers.filter((roamer) => roamer.wire.port !== server.port && this.#isOn(roamer, server));
    server.emits = false;
    await server.io.close();
    if (sidecar) {
      await this.sidecars.all[i].kill("SIGTERM");
      await this.sidecars.all[i].start();
    }
    await this.serve(i);
    for (const [k, roamer] of this.roamers.entries()) if (moved.includes(roamer)) await roamer.connected(times[k] + 1);
    if (sidecar) await this.sidecars.linked();
    await this.together();
  }

  #isOn(roamer, server) {
    return server.io.of("/").sockets.has(roamer.socket.id);
  }

  /** Every client was recovered each time, and got everything once and in order. */
  async expectAll() {
    for (const roamer of this.roamers) {
      assert.ok(roamer.connects.slice(1).every(Boolean), `recovered: ${roamer.connects}`);
      for (const [event, count] of this.sent) await roamer.expect(event, numbers(count));
    }
  }

  async stop() {
    this.silence();
    await Promise.all(this.roamers.map((roamer) => roamer.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.sidecars.stop();
  }
}

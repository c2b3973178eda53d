// Recovery when processes are killed: whatever happens, nobody who is recovered has a hole or a duplicate.
// RECOVERY_KILLS=20: how often each test kills; 2 without it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChildServer } from "../support/child-server.mjs";
import { Roamer } from "../support/roamer.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { numbers } from "../support/traffic.mjs";
import { sleep, until } from "../support/until.mjs";

const KILLS = Number(process.env.RECOVERY_KILLS ?? 2);
const KILLS_OF_THE_GOAL = 20; // of which 99.9 % of the sessions are to be recovered
const PODS = 3;
const CLIENTS_EACH = 5;
const EVERY_MS = 300; // of each server, so that a session has at most ten messages a second

class KillablePods {
  static async start(replicas) {
    const pods = new KillablePods();
    pods.sidecars = await Sidecars.start(PODS, { recovery: `{window: 60s, replicas: ${replicas}}` });
    pods.servers = [];
    pods.roamers = [];
    pods.lives = 0;
    for (const i of numbers(PODS)) await pods.serve(i);
    await pods.together();
    for (const i of numbers(PODS * CLIENTS_EACH)) {
      const roamer = await Roamer.start(pods.servers[i % PODS]);
      roamer.at = i % PODS;
      pods.roamers.push(roamer);
    }
    // Not all at the same moment: what is seen in the millisecond of a kill is ambiguous then, each time.
    for (const i of numbers(PODS)) {
      await pods.servers[i].call("traffic", pods.servers[i].event, EVERY_MS);
      await sleep(EVERY_MS / PODS);
    }
    return pods;
  }

  async serve(i) {
    this.servers[i] = await ChildServer.start(this.sidecars.all[i].address, "recovery-child.mjs");
    this.servers[i].event = `p${i}.${this.lives++}`;
  }

  async together() {
    await until(async () => (await Promise.all(this.servers.map((server) => server.call("count")))).every((n) => n === PODS), "the servers");
  }

  /** The clients of this server find another one, which is not `dead`, and are online there. */
  async divert(i) {
    for (const roamer of this.roamers) {
      if (roamer.at !== i) continue;
      roamer.at = (i + 1) % PODS;
      roamer.wire.cut(this.servers[roamer.at].port);
    }
  }

  async stop() {
    await Promise.all(this.roamers.map((roamer) => roamer.stop()));
    await Promise.all(this.servers.map((server) => server.kill()));
    await this.sidecars.stop();
  }
}

async function killing(run, { replicas = 0 } = {}) {
  const pods = await KillablePods.start(replicas);
  try {
    const outcome = { recovered: 0, refused: 0 };
    for (const k of numbers(KILLS)) {
      const i = k % PODS;
      await sleep(1000);
      const before = pods.roamers.map((roamer) => roamer.connects.length);
      await run(pods, i);
      await pods.together();
      for (const [n, roamer] of pods.roamers.entries()) {
        await until(() => roamer.socket.connected, "every client");
        for (const recovered of roamer.connects.slice(before[n])) outcome[recovered ? "recovered" : "refused"]++;
      }
    }
    await sleep(2 * EVERY_MS);
    const sent = new Map();
    for (const server of pods.servers) sent.set(server.event, await server.call("silence"));
    for (const roamer of pods.roamers) {
      // The last of every server that lives has come.
      for (const [event, count] of sent) {
        await until(() => roamer.of(event).at(-1) === count - 1, () => `${event} ${count - 1} after ${roamer.of(event).at(-1)}`, 5000);
      }
      roamer.expectNoHole();
    }
    return outcome;
  } finally {
    await pods.stop();
  }
}

describe("recovery under kills", () => {
  it("of an app: its sidecar has the sessions", async () => {
    const outcome = await killing(async (pods, i) => {
      await pods.servers[i].kill();
      await pods.divert(i);
      await pods.serve(i);
      await pods.servers[i].call("traffic", pods.servers[i].event, EVERY_MS);
    });
    assert.equal(outcome.refused, 0);
    assert.ok(outcome.recovered >= KILLS * CLIENTS_EACH);
  });

  it("of a pod, app and sidecar together: another sidecar has a copy", async () => {
    const outcome = await killing(async (pods, i) => {
      const before = pods.roamers.map((roamer) => roamer.connects.length);
      await Promise.all([pods.servers[i].kill(), pods.sidecars.all[i].kill()]);
      await pods.divert(i);
      for (const [n, roamer] of pods.roamers.entries()) {
        if (roamer.at === (i + 1) % PODS) await until(() => roamer.connects.length > before[n] || roamer.socket.connected, "it to be back");
      }
      await pods.sidecars.all[i].start();
      await pods.sidecars.linked();
      await pods.serve(i);
      await pods.together();
      await pods.servers[i].call("traffic", pods.servers[i].event, EVERY_MS);
    }, { replicas: 1 });
    // All clients are in one room: those of a kill in the very millisecond of a message are refused together.
    const share = outcome.recovered / (outcome.recovered + outcome.refused);
    assert.ok(share >= (KILLS < KILLS_OF_THE_GOAL ? 0.4 : 0.999), JSON.stringify(outcome));
  });

  it("of a sidecar alone: whoever drops meanwhile may be refused, and nobody has a hole", async () => {
    const outcome = await killing(async (pods, i) => {
      await pods.sidecars.all[i].kill();
      const dropped = pods.roamers.filter(({ at }) => at === i);
      dropped[0].wire.cut();
      await pods.sidecars.all[i].start();
      await pods.sidecars.linked();
      await pods.together();
      // Whoever was there all the time, or is there now, can be recovered again.
      await sleep(3 * EVERY_MS);
      const times = dropped[1].connects.length + 1;
      dropped[1].wire.cut(pods.servers[(i + 1) % PODS].port);
      dropped[1].at = (i + 1) % PODS;
      await dropped[1].connected(times);
      assert.equal(dropped[1].connects.at(-1), true);
    });
    assert.ok(outcome.recovered >= KILLS);
  });
});

// Recovery when a server dies in the very moment in which it says something, and when a sidecar leaves while
// another starts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChildServer } from "../support/child-server.mjs";
import { Roamer } from "../support/roamer.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { numbers } from "../support/traffic.mjs";
import { until } from "../support/until.mjs";

const RECOVERY = "{window: 60s}";
const child = (sidecar) => ChildServer.start(sidecar.address, "recovery-child.mjs");

async function together(servers) {
  await until(
    async () => (await Promise.all(servers.map((server) => server.call("count")))).every((n) => n === servers.length),
    "the servers to know each other",
  );
}

/** The clients of this server are in the room "all", and its sidecar knows them. */
async function inRoom(server, roamers) {
  assert.equal(await server.call("sockets"), roamers.length);
  await server.call("emit", "hello", 0);
  for (const roamer of roamers) await until(() => roamer.of("hello").length > 0, "a message to the room");
}

describe("recovery at a death", () => {
  for (const when of ["turn", "writes"]) {
    it(`right behind an emit (${when}): who has seen it goes on, and all have it`, async () => {
      const sidecars = await Sidecars.start(2, { recovery: RECOVERY });
      const servers = [];
      const all = [];
      try {
        for (const sidecar of sidecars.all) servers.push(await child(sidecar));
        await together(servers);
        for (const _ of numbers(3)) all.push(await Roamer.start(servers[0]));
        await inRoom(servers[0], all);
        const moving = [...all];
        const other = await Roamer.start(servers[1]);
        all.push(other);
        await inRoom(servers[1], [other]);
        // Its clients find the other one; what they have seen until then came from here.
        for (const roamer of moving) roamer.wire.port = servers[1].port;
        servers[0].call("emitAndDie", "last", 20, when);
        await servers[0].exited;
        for (const roamer of moving) await roamer.connected(2);
        await servers[1].call("emit", "after", 0);
        for (const roamer of all) await roamer.expect("after", [0]);
        for (const roamer of moving) assert.deepEqual(roamer.connects, [false, true]);
        const said = other.of("last").length;
        assert.ok(said > 0, "what a client was sent came to the other server");
        for (const roamer of all) assert.deepEqual(roamer.of("last"), numbers(said));
      } finally {
        await Promise.all(all.map((roamer) => roamer.stop()));
        await Promise.all(servers.map((server) => server.kill()));
        await sidecars.stop();
      }
    });
  }

  it("of a server whose sidecar was told to go before, while another sidecar starts", async () => {
    const sidecars = await Sidecars.start(3, { recovery: RECOVERY });
    const [leaving, staying, late] = sidecars.all;
    const servers = [];
    const roamers = [];
    try {
      await late.kill("SIGTERM");
      for (const sidecar of [leaving, staying]) servers.push(await child(sidecar));
      await together(servers);
      for (const _ of numbers(3)) roamers.push(await Roamer.start(servers[0]));
      await inRoom(servers[0], roamers);
      leaving.signal("SIGTERM");
      await until(() => leaving.readLog().includes("leaving"), "it to leave");
      await late.start();
      const links = async (sidecar) => (await sidecar.status()).links.filter((link) => link.state === "linked").length;
      await until(async () => (await links(late)) === 2, "the newcomer to meet both");
      const times = roamers.map((roamer) => roamer.connects.length);
      for (const roamer of roamers) roamer.wire.port = servers[1].port;
      await servers[0].kill();
      for (const [n, roamer] of roamers.entries()) await roamer.connected(times[n] + 1);
      for (const roamer of roamers) assert.deepEqual(roamer.connects, [false, true]);
      await leaving.exited;
      await until(async () => (await links(late)) === 1, "it to be gone");
    } finally {
      await Promise.all(roamers.map((roamer) => roamer.stop()));
      await Promise.all(servers.map((server) => server.kill()));
      await sidecars.stop();
    }
  });
});

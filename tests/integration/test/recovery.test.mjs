// Connection state recovery while the session's home is alive: real clients lose their network and come
// back, to the same server or to another. What they got before, in the replay and after is every message of
// their rooms once and in order; or they are not recovered, and know it.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import msgpack from "socket.io-msgpack-parser";
import { Roamer } from "../support/roamer.mjs";
import { AppServer, converged, startServers } from "../support/server.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { numbers, publish } from "../support/traffic.mjs";
import { sleep, until } from "../support/until.mjs";

const RECOVERY = { server: { connectionStateRecovery: {} } };

describe("a client that comes back", () => {
  let sidecars;
  let servers;
  const roamers = [];

  before(async () => {
    sidecars = await Sidecars.start(3, { recovery: "{window: 60s}" });
    servers = await startServers(sidecars, RECOVERY);
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await sidecars.stop();
  });
  afterEach(async () => {
    await Promise.all(roamers.splice(0).map((roamer) => roamer.stop()));
    for (const { io } of servers) io.removeAllListeners("connection");
  });

  async function roam(server, rooms = [], nsp = "/", options = {}) {
    const roamer = await Roamer.start(server, nsp, options);
    roamers.push(roamer);
    roamer.id = roamer.socket.id;
    const there = await until(() => server.io.of(nsp).sockets.get(roamer.id), "the socket");
    await there.join(rooms);
    return roamer;
  }

  for (const [where, index] of [["to the same server", 0], ["to another server", 1]]) {
    describe(where, () => {
      it("has missed nothing and gets nothing twice", async () => {
        const roamer = await roam(servers[0], ["room"]);
        servers[0].io.of("/").sockets.get(roamer.id).data = { name: "Ann", n: [1] };
        for (const i of numbers(3)) servers[i].io.to("room").emit("from", `${i} before`);
        await until(() => roamer.got.length === 3, "the messages before");
        roamer.offline();
        for (const i of numbers(3)) for (const n of numbers(10)) servers[i].io.to("room").emit(`away ${i}`, n);
        await sleep(30);
        await roamer.online(servers[index]);
        assert.deepEqual(roamer.connects, [false, true]);
        assert.equal(roamer.socket.id, roamer.id);
        const socket = servers[index].io.of("/").sockets.get(roamer.id);
        assert.equal(socket.recovered, true);
        assert.deepEqual(socket.data, { name: "Ann", n: [1] });
        assert.deepEqual([...socket.rooms].sort(), [roamer.id, "room"].sort());
        for (const i of numbers(3)) servers[i].io.to("room").emit(`after ${i}`, 0);
        for (const i of numbers(3)) {
          await roamer.expect(`away ${i}`, numbers(10));
          await roamer.expect(`after ${i}`, [0]);
        }
        assert.equal(roamer.of("from").length, 3);
        if (index !== 0) assert.equal(servers[0].io.of("/").sockets.has(roamer.id), false, "the old socket is closed");
      });

      it("under traffic, again and again", async () => {
        const roamer = await roam(servers[0], ["flood"]);
        const publishers = servers.map((server, i) => publish(server, "flood", `from ${i}`, 2));
        for (let times = 0; times < 10; times++) {
          await sleep(20);
          roamer.offline();
          await sleep(times * 5);
          await roamer.online(servers[index === 0 ? 0 : times % 3]);
        }
        await sleep(50);
        const counts = publishers.map((publisher) => publisher.stop());
        assert.ok(roamer.connects.slice(1).every(Boolean), `recovered: ${roamer.connects}`);
        for (const i of numbers(3)) await roamer.expect(`from ${i}`, numbers(counts[i]));
      });

      it("that was idle, and has no offset", async () => {
        const roamer = await roam(servers[0], ["idle"]);
        servers[2].io.to("someone else").emit("not for it");
        roamer.offline();
        for (const n of numbers(5)) servers[n % 3].io.to("idle").emit(`first ${n % 3}`, n);
        await sleep(30);
        await roamer.online(servers[index]);
        assert.deepEqual(roamer.connects, [false, true]);
        await roamer.expect("first 0", [0, 3]);
        await roamer.expect("first 1", [1, 4]);
        await roamer.expect("first 2", [2]);
        assert.equal(servers[index].io.of("/").sockets.get(roamer.id).handshake.auth.offset, undefined);
      });

      it("twice in a row, with nothing in between", async () => {
        const roamer = await roam(servers[0], ["twice"]);
        for (let times = 1; times <= 2; times++) {
          roamer.offline();
          await sleep(20);
          await roamer.online(servers[index === 0 ? 0 : times]);
        }
        roamer.offline();
        servers[0].io.to("twice").emit("n", 1);
        await sleep(20);
        await roamer.online(servers[index]);
        servers[0].io.to("twice").emit("n", 2);
        await roamer.expect("n", [1, 2]);
        assert.deepEqual(roamer.connects, [false, true, true, true]);
      });

      it("is cut again during the replay", async () => {
        const roamer = await roam(servers[0], ["cut"]);
        servers[2].io.to("cut").emit("n", 0);
        await roamer.expect("n", [0]);
        roamer.offline();
        const text = "x".repeat(200);
        for (const n of numbers(50)) servers[2].io.to("cut").emit("n", n + 1, text);
        await sleep(30);
        // Every cut comes somewhere in CONNECT or in the replay.
        for (const bytes of [350, 700, 1500, 3000]) {
          roamer.wire.cutAfter(bytes);
          roamer.wire.cut(servers[index].port);
          roamer.wire.refuse(false);
          const { connects, got } = roamer;
          const before = [connects.length, got.length].join();
          await until(() => roamer.wire.limit === undefined, "the connection that will be cut");
          await until(() => [connects.length, got.length].join() !== before || bytes < 600, "a part of the replay");
        }
        await roamer.expect("n", numbers(51));
        servers[1].io.to("cut").emit("n", 51);
        await roamer.expect("n", numbers(52));
        assert.ok(roamer.connects.slice(1).every(Boolean), `recovered: ${roamer.connects}`);
        assert.ok(roamer.connects.length >= 4, "cut in the replay, not before");
      });

      it("has its rooms as they were at each message", async () => {
        const roamer = await roam(servers[0], []);
        const there = servers[0].io.of("/").sockets.get(roamer.id);
        roamer.offline();
        const emit = (n) => servers[0].io.to("door").emit("n", n);
        emit(0);
        await there.join("door");
        emit(1);
        await there.leave("door");
        emit(2);
        await there.join(["door", 42]);
        emit(3);
        servers[0].io.except("door").emit("n", 4);
        servers[0].io.to(42).except("elsewhere").emit("n", 5);
        servers[0].io.to("42").emit("n", 6);
        servers[1].io.to("door").emit("n", 7);
        await sleep(30);
        await roamer.online(servers[index]);
        await roamer.expect("n", [1, 3, 5, 7]);
        assert.deepEqual(roamer.connects, [false, true]);
        const socket = servers[index].io.of("/").sockets.get(roamer.id);
        assert.ok(socket.rooms.has(42) && !socket.rooms.has("42"), "numbers stay numbers");
      });

      it("gets no message that it was excepted from", async () => {
        const roamer = await roam(servers[0], ["all", "quiet"]);
        roamer.offline();
        for (const { io } of servers) {
          io.to("all").except("quiet").emit("no");
          io.except(roamer.id).emit("no");
          io.to(["all", "quiet"]).emit("yes", 1);
        }
        await sleep(30);
        await roamer.online(servers[index]);
        await roamer.expect("yes", [1, 1, 1]);
        await sleep(20);
        assert.deepEqual(roamer.of("no"), []);
      });

      it("does not take the end of a volatile event for its offset", async () => {
        const roamer = await roam(servers[0], ["volatile"]);
        servers[1].io.to("volatile").emit("n", 1);
        await roamer.expect("n", [1]);
        const there = servers[0].io.of("/").sockets.get(roamer.id);
        const volatile = [...servers.map(({ io }) => io.volatile.to("volatile")), there.volatile];
        for (const [i, target] of volatile.entries()) {
          target.emit("gone", "with a string");
          await roamer.expect("gone", Array(i + 1).fill("with a string"));
        }
        roamer.offline();
        for (const { io } of servers) io.volatile.to("volatile").emit("gone", "for ever");
        servers[2].io.to("volatile").emit("n", 2);
        await sleep(30);
        await roamer.online(servers[index]);
        assert.deepEqual(roamer.connects, [false, true]);
        await roamer.expect("n", [1, 2]);
        assert.equal(roamer.of("gone").length, 4);
      });

      it("in several namespaces on one connection", async () => {
        for (const { io } of servers) io.of("/one").on("connection", (socket) => socket.join("r"));
        await converged(servers, "/one");
        const roamer = await roam(servers[0], ["r"]);
        const one = roamer.socket.io.socket("/one");
        const got = [];
        const recovered = [];
        one.on("n", (n) => got.push(n));
        one.on("connect", () => recovered.push(one.recovered === true));
        await until(() => recovered.length === 1, "the namespace");
        roamer.offline();
        for (const n of numbers(6)) {
          servers[n % 3].io.of("/one").to("r").emit("n", n);
          servers[n % 3].io.to("r").emit("n", 10 + n);
          await sleep(5);
        }
        await roamer.online(servers[index]);
        await until(() => got.length === 6, "the namespace's messages");
        assert.deepEqual(got.sort(), numbers(6));
        assert.deepEqual(recovered, [false, true]);
        await until(() => roamer.of("n").length === 6, "the messages");
        assert.deepEqual(roamer.of("n").sort(), numbers(6).map((n) => 10 + n));
        for (const { io } of servers) io.of("/one").removeAllListeners("connection");
        one.disconnect();
      });

      it("gets binary messages, local ones of its server, and its own", async () => {
        const roamer = await roam(servers[0], ["kinds"]);
        roamer.offline();
        servers[1].io.to("kinds").emit("bytes", Buffer.from([1, 2, 3]), "text", { deep: Buffer.from([4]) });
        servers[0].io.local.to("kinds").emit("local", 1);
        servers[2].io.local.to("kinds").emit("local", 2);
        servers[0].io.of("/").sockets.get(roamer.id).emit("own", 1);
        await sleep(30);
        await roamer.online(servers[index]);
        await until(() => roamer.got.length === 3, "the messages");
        assert.deepEqual(roamer.got.find(([name]) => name === "bytes").slice(1), [Buffer.from([1, 2, 3]), "text", { deep: Buffer.from([4]) }]);
        assert.deepEqual(roamer.of("local"), [1]);
        assert.deepEqual(roamer.of("own"), [1]);
      });
    });
  }
});

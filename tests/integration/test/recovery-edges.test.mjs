// Recovery at its edges: middlewares that take their time or refuse, sessions that are over, logs that are full,
// and clients that claim what is not theirs.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import msgpack from "socket.io-msgpack-parser";
import { Roamer } from "../support/roamer.mjs";
import { AppServer, startServers } from "../support/server.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { numbers, publish } from "../support/traffic.mjs";
import { sleep, until } from "../support/until.mjs";

const recovery = (options = {}, more = {}) => ({ server: { connectionStateRecovery: options, ...more } });

describe("recovery", () => {
  let sidecars;
  let servers = [];
  const roamers = [];

  async function mesh(count, options = recovery(), section = "{window: 60s}") {
    sidecars = await Sidecars.start(count, { recovery: section });
    servers = await startServers(sidecars, options);
  }
  afterEach(async () => {
    await Promise.all(roamers.splice(0).map((roamer) => roamer.stop()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await sidecars.stop();
  });

  async function roam(server, rooms = [], options = {}) {
    const roamer = await Roamer.start(server, "/", options);
    roamers.push(roamer);
    roamer.id = roamer.socket.id;
    roamer.there = await until(() => server.io.of("/").sockets.get(roamer.id), "the socket");
    await roamer.there.join(rooms);
    return roamer;
  }

  it("loses nothing while middlewares take their time", async () => {
    await mesh(2, recovery({ skipMiddlewares: false }));
    let middlewares = 0;
    for (const { io } of servers) {
      io.use(async (socket, next) => {
        middlewares++;
        await sleep(60);
        next();
      });
      // What a listener emits comes behind what was missed.
      io.on("connection", (socket) => socket.emit("n", socket.recovered ? "back" : "new"));
    }
    const roamer = await roam(servers[0], ["slow"]);
    const publishers = servers.map((server, i) => publish(server, "slow", `from ${i}`, 1));
    for (const index of [0, 1, 1, 0]) {
      roamer.offline();
      await sleep(20);
      await roamer.online(servers[index]);
    }
    const counts = publishers.map((publisher) => publisher.stop());
    for (const i of numbers(2)) await roamer.expect(`from ${i}`, numbers(counts[i]));
    assert.deepEqual(roamer.connects, [false, true, true, true, true]);
    assert.equal(middlewares, 5);
    await roamer.expect("n", ["new", "back", "back", "back", "back"]);
  });

  it("leaves the session where it was when a middleware refuses, or the client goes before it is done", async () => {
    await mesh(2, recovery({ skipMiddlewares: false }));
    const roamer = await roam(servers[0], ["hard"]);
    let mood = "refuse";
    servers[1].io.use((socket, next) => {
      if (mood === "refuse") next(new Error("not today"));
      else if (mood === "wait") setTimeout(next, 500);
      else next();
    });
    roamer.offline();
    servers[0].io.to("hard").emit("n", 1);
    roamer.wire.cut(servers[1].port);
    roamer.wire.refuse(false);
    await until(() => roamer.errors.some(({ message }) => message === "not today"), "the refusal");
    servers[1].io.to("hard").emit("n", 2);
    mood = "wait";
    roamer.socket.connect();
    await until(() => servers[1].io.of("/")._preConnectSockets.size === 1, "the socket to wait");
    // Engine.IO notices at once that this one is gone: its transport closes.
    for (const { far } of roamer.wire.pairs) far.destroy();
    mood = "let in";
    await roamer.connected(2);
    await sleep(600);
    servers[0].io.to("hard").emit("n", 3);
    await roamer.expect("n", [1, 2, 3]);
    assert.deepEqual(roamer.connects, [false, true]);
    assert.equal(servers[1].io.of("/").sockets.get(roamer.id).rooms.has("hard"), true, "the late middleware cleaned up nothing");
    assert.equal(servers[1].io.of("/")._preConnectSockets.size, 0);
  });

  it("ends when the client, or the server, said goodbye", async () => {
    await mesh(2);
    const roamer = await roam(servers[0], ["bye"]);
    servers[0].io.to("bye").emit("n", 1);
    await roamer.expect("n", [1]);
    roamer.socket.disconnect();
    await until(() => !servers[0].io.of("/").sockets.has(roamer.id), "the goodbye");
    roamer.wire.cut(servers[1].port);
    roamer.socket.connect();
    await roamer.connected(2);
    await until(() => servers[1].io.of("/").sockets.has(roamer.socket.id), "the second socket");
    servers[1].io.of("/").sockets.get(roamer.socket.id).disconnect();
    await until(() => !roamer.socket.connected, "the end");
    roamer.socket.connect();
    await roamer.connected(3);
    assert.deepEqual(roamer.connects, [false, false, false]);
  });

  it("expires with the window, of the log and of the session", async () => {
    await mesh(2, recovery(), "{window: 1s}");
    const roamer = await roam(servers[0], ["late"]);
    servers[0].io.to("late").emit("n", 1);
    await roamer.expect("n", [1]);
    await sleep(2500);
    roamer.offline();
    await roamer.online(servers[1]);
    assert.deepEqual(roamer.connects, [false, true], "an old offset is good while its client was there");
    roamer.offline();
    servers[1].io.of("/").sockets.get(roamer.id).conn.close(true);
    servers[0].io.to("late").emit("n", 2);
    await sleep(2500);
    await roamer.online(servers[0]);
    assert.deepEqual(roamer.connects, [false, true, false]);
    assert.notEqual(roamer.socket.id, roamer.id);
    assert.deepEqual(roamer.of("n"), [1]);
  });

  it("refuses where the log had not enough memory, and only there", async () => {
    await mesh(2, recovery(), "{window: 60s, memory: 1MiB}");
    const [greedy, modest] = [await roam(servers[0], ["flood"]), await roam(servers[0], ["flood"])];
    servers[1].io.to("flood").emit("n", 0);
    for (const each of [greedy, modest]) await each.expect("n", [0]);
    greedy.offline();
    const text = "x".repeat(10_000);
    for (const n of numbers(300)) servers[1].io.to("flood").emit("n", n + 1, text);
    await modest.expect("n", numbers(301));
    modest.offline();
    servers[1].io.to("flood").emit("n", 301);
    await sleep(50);
    await Promise.all([greedy.online(servers[0]), modest.online(servers[1])]);
    assert.deepEqual(greedy.connects, [false, false]);
    assert.deepEqual(greedy.of("n"), [0]);
    assert.deepEqual(modest.connects, [false, true]);
    await modest.expect("n", numbers(302));
  });

  /** What a client gets that claims a session: nothing, and one of its own. */
  async function lie(server, auth, ids) {
    const liar = await Roamer.start(server, "/", { auth });
    roamers.push(liar);
    assert.deepEqual([liar.connects, liar.got], [[false], []], JSON.stringify(auth).slice(0, 100));
    assert.ok(!ids.includes(liar.socket.id));
  }

  it("gives a forged pid nothing, and takes nothing from its owner", async () => {
    await mesh(2);
    const roamer = await roam(servers[0], ["mine"]);
    servers[1].io.to("mine").emit("n", 0);
    await roamer.expect("n", [0]);
    const { _pid: pid, _lastOffset: offset } = roamer.socket;
    const forged = [
      { pid: "AAAAAAAAAAAAAAAAAAAA", offset },
      { pid: `${pid}\0`, offset },
      { pid: pid.slice(0, -1), offset },
      { pid: "x".repeat(100_000), offset },
      { pid: "", offset: "" },
      { pid: { a: 1 }, offset },
      // The pid is right, but that is no offset at all.
      { pid, offset: "nonsense" },
      { pid, offset: "9".repeat(100_000) },
    ];
    for (const [i, auth] of forged.entries()) await lie(servers[i % 2], auth, [roamer.id]);
    assert.equal(roamer.socket.connected, true);
    roamer.offline();
    servers[0].io.to("mine").emit("n", 1);
    await sleep(30);
    await roamer.online(servers[1]);
    assert.deepEqual(roamer.connects, [false, true]);
    await roamer.expect("n", [0, 1]);
  });

  it("gives a forged offset nothing, even to who knows the pid", async () => {
    await mesh(2);
    for (const forge of [
      (member, seq) => `${member}.${seq - 1}`, // a message of another room
      (member, seq) => `${member}.${seq + 1000}`,
      () => `${"0".repeat(16)}.1`,
    ]) {
      const roamer = await roam(servers[0], ["mine"]);
      for (const n of numbers(3)) servers[1].io.to(n === 1 ? "yours" : "mine").emit("n", n);
      await roamer.expect("n", [0, 2]);
      const [member, seq] = roamer.socket._lastOffset.split(".");
      await lie(servers[1], { pid: roamer.socket._pid, offset: forge(member, Number(seq)) }, [roamer.id]);
      // Its owner's connection is cut, and it comes back to what is its own.
      await roamer.connected(2);
      assert.deepEqual(roamer.connects, [false, true]);
      assert.deepEqual(roamer.of("n"), [0, 2]);
    }
  });

  it("takes its client to a new session when the old one can't be proven", async () => {
    await mesh(2);
    const roamer = await roam(servers[0], ["r"]);
    servers[0].io.to("r").emit("n", 0);
    await roamer.expect("n", [0]);
    roamer.offline();
    // Circular data can be given to no other server.
    roamer.there.data.self = roamer.there.data;
    await sleep(20);
    await roamer.online(servers[1]);
    assert.deepEqual(roamer.connects, [false, false]);
    await until(() => servers[1].io.of("/").sockets.has(roamer.socket.id), "the new socket");
    // From here on it presents the offset that it had before, until it has seen a message.
    await servers[1].io.of("/").sockets.get(roamer.socket.id).join("r");
    roamer.offline();
    servers[1].io.to("r").emit("n", 1);
    await sleep(20);
    await roamer.online(servers[1]);
    assert.deepEqual(roamer.of("n"), [0]);
    assert.equal(roamer.connects.at(-1), false, "what it missed is newer than what it has of another session");
    await until(() => servers[1].io.of("/").sockets.has(roamer.socket.id), "the next new socket");
    roamer.offline();
    await sleep(20);
    await roamer.online(servers[0]);
    assert.equal(roamer.connects.at(-1), true, "idle since then");
  });

  it("serves a custom parser", async () => {
    await mesh(2, recovery({}, { parser: msgpack }));
    const roamer = await roam(servers[0], ["packed"], { parser: msgpack });
    roamer.offline();
    for (const n of numbers(4)) servers[n % 2].io.to("packed").emit(`n ${n % 2}`, n, Buffer.from([n]));
    await sleep(30);
    await roamer.online(servers[1]);
    await roamer.expect("n 0", [0, 2]);
    await roamer.expect("n 1", [1, 3]);
    assert.deepEqual(roamer.connects, [false, true]);
  });

  it("keeps dynamic namespaces that are cleaned up when the last client goes", async () => {
    await mesh(2, recovery({}, { cleanupEmptyChildNamespaces: true }));
    for (const { io } of servers) io.of(/^\/dynamic-\d+$/).on("connection", (socket) => socket.join("r"));
    for (const index of [0, 1]) {
      const roamer = await Roamer.start(servers[0], `/dynamic-${index}`);
      roamers.push(roamer);
      roamer.offline();
      servers[0].io.of(`/dynamic-${index}`).to("r").emit("n", 1);
      await sleep(30);
      await roamer.online(servers[index]);
      await until(() => servers[index].io._nsps.get(`/dynamic-${index}`)?.sockets.size === 1, "the socket in its namespace");
      servers[index].io.of(`/dynamic-${index}`).to("r").emit("n", 2);
      await roamer.expect("n", [1, 2]);
      assert.equal(roamer.connects.at(-1), true);
    }
  });

  it("is for the whole mesh or for nobody", async () => {
    await mesh(1);
    const without = await AppServer.start(sidecars.all[0].address);
    servers.push(without);
    await until(() => without.of("refused").length > 0, "the refusal");
    assert.equal(without.of("refused")[0].code, 8);
  });

  it("says once that the sidecar has it off, and lets clients in", async () => {
    await mesh(1, recovery(), null);
    const roamer = await roam(servers[0], ["r"]);
    servers[0].io.to("r").emit("n", 1);
    await roamer.expect("n", [1]);
    roamer.offline();
    await roamer.online(servers[0]);
    assert.deepEqual(roamer.connects, [false, false]);
    await sidecars.all[0].restart();
    await until(() => servers[0].of("attached").length === 2, "the second attachment");
    assert.equal(servers[0].events.filter(([name, level, text]) => name === "log" && level === "warn" && text.includes("recovery")).length, 1);
  });
});

// Every call of the adapter API over three servers on three sidecars, with real clients.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AppServer, converged, received, startServers } from "../support/server.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { sleep, until } from "../support/until.mjs";

describe("the adapter API over three servers", () => {
  let sidecars;
  let servers;
  let clients;

  before(async () => {
    sidecars = await Sidecars.start(3);
    servers = await startServers(sidecars);
    clients = await Promise.all(servers.map((server) => server.client()));
  });

  after(async () => {
    await Promise.all((servers ?? []).map((server) => server.stop()));
    await sidecars?.stop();
  });

  const gets = (client, event, count = 1) =>
    until(() => received(client, event).length >= count && received(client, event), `${count} x ${event}`);
  let serial = 0;
  const unique = (name) => `${name}-${++serial}`;
  const joinAll = (room) => Promise.all(clients.map((client) => client.server.join(room)));

  it("counts the servers", async () => {
    for (const server of servers) assert.equal(await server.count(), 3);
  });

  it("emits to everyone, once each", async () => {
    const event = unique("all");
    servers[0].io.emit(event, 1, "two", { three: [3, null, "ü€𝄞"] });
    for (const client of clients) {
      assert.deepEqual(await gets(client, event), [[1, "two", { three: [3, null, "ü€𝄞"] }]]);
    }
  });

  it("emits to a room, and to no one else", async () => {
    const event = unique("room");
    await clients[1].server.join("blue");
    servers[0].io.to("blue").emit(event, "x");
    servers[0].io.emit(`${event}-end`);
    await gets(clients[1], event);
    for (const client of clients) await gets(client, `${event}-end`);
    assert.equal(received(clients[0], event).length, 0);
    assert.equal(received(clients[2], event).length, 0);
  });

  it("emits to several rooms once, and leaves out the excepted ones", async () => {
    const [event, a, b, c] = ["multi", "a", "b", "c"].map(unique);
    await Promise.all([
      clients[0].server.join([a, b]),
      clients[1].server.join([a, b]),
      clients[2].server.join([b, c]),
    ]);
    servers[0].io.to(a).to(b).except(c).emit(event);
    servers[0].io.emit(`${event}-end`);
    for (const client of clients) await gets(client, `${event}-end`);
    assert.deepEqual(clients.map((client) => received(client, event).length), [1, 1, 0]);
  });

  it("leaves out a room when it emits to everyone", async () => {
    const [event, room] = ["except", "quiet"].map(unique);
    await clients[2].server.join(room);
    servers[1].io.except(room).emit(event);
    servers[1].io.emit(`${event}-end`);
    for (const client of clients) await gets(client, `${event}-end`);
    assert.deepEqual(clients.map((client) => received(client, event).length), [1, 1, 0]);
  });

  it("socket.broadcast and socket.to() leave out the sender", async () => {
    const [event, room] = ["broadcast", "r"].map(unique);
    await joinAll(room);
    clients[0].server.broadcast.emit(event, 1);
    clients[0].server.to(room).emit(event, 2);
    servers[0].io.emit(`${event}-end`);
    for (const client of clients) await gets(client, `${event}-end`);
    assert.deepEqual(clients.map((client) => received(client, event).flat()), [[], [1, 2], [1, 2]]);
  });

  it("reaches one socket by its id", async () => {
    const event = unique("private");
    servers[0].io.to(clients[2].id).emit(event, "psst");
    assert.deepEqual(await gets(clients[2], event), [["psst"]]);
    assert.equal(received(clients[1], event).length, 0);
  });

  it("keeps rooms of any name apart: numbers, empty, lone surrogates, line breaks", async () => {
    const event = unique("names");
    const rooms = [42, "42", "", "\ud800", "\ufffd", "a\nb\0c", "💬", "x".repeat(3000)];
    for (const [i, room] of rooms.entries()) {
      await clients[1].server.join(room);
      servers[0].io.to(room).emit(event, i);
      await until(() => received(clients[1], event).length === i + 1, `room ${JSON.stringify(room).slice(0, 20)}`);
      clients[1].server.leave(room);
    }
  });

  it("keeps to this server what is local", async () => {
    const event = unique("local");
    servers[0].io.local.emit(event);
    servers[0].io.emit(`${event}-end`);
    for (const client of clients) await gets(client, `${event}-end`);
    assert.deepEqual(clients.map((client) => received(client, event).length), [1, 0, 0]);
  });

  it("carries volatile and compressed packets", async () => {
    const event = unique("flags");
    servers[0].io.volatile.emit(event, "v");
    await Promise.all(clients.map((client) => gets(client, event)));
    servers[0].io.compress(false).emit(event, "c");
    servers[0].io.compress(true).emit(event, "C");
    for (const client of clients) assert.deepEqual((await gets(client, event, 3)).flat(), ["v", "c", "C"]);
  });

  it("carries binary, also nested", async () => {
    const event = unique("binary");
    const bytes = Buffer.from([0, 1, 2, 250, 255]);
    servers[0].io.emit(event, bytes, { deep: [new Uint8Array([9, 8])] }, "text");
    for (const client of clients) {
      const [[first, second, third]] = await gets(client, event);
      assert.deepEqual(Buffer.from(first), bytes);
      assert.deepEqual([...new Uint8Array(second.deep[0])], [9, 8]);
      assert.equal(third, "text");
    }
  });

  it("carries a large packet", async () => {
    const event = unique("large");
    const text = "ä".repeat(300_000);
    const bytes = Buffer.alloc(800_000, 7);
    servers[0].io.emit(event, text);
    servers[0].io.emit(event, bytes);
    for (const client of clients) {
      const [[first], [second]] = await gets(client, event, 2);
      assert.equal(first, text);
      assert.ok(Buffer.from(second).equals(bytes));
    }
  });

  it("serves clients over HTTP long-polling too", async () => {
    const event = unique("polling");
    const client = await servers[1].client("/", { transports: ["polling"] });
    servers[0].io.emit(event, "p", Buffer.from("b"));
    const [[text, binary]] = await gets(client, event);
    assert.equal(text, "p");
    assert.equal(Buffer.from(binary).toString(), "b");
    client.disconnect();
  });

  it("lets outgoing listeners of remote sockets see the packet, and delivers what they emit after it", async () => {
    const event = unique("outgoing");
    const seen = [];
    clients[1].server.onAnyOutgoing((name, ...args) => {
      if (name !== event) return;
      seen.push(args);
      servers[1].io.emit(`${event}-nested`);
    });
    servers[0].io.emit(event, { a: 1 }, Buffer.from("b"));
    await gets(clients[1], `${event}-nested`);
    clients[1].server.offAnyOutgoing();
    assert.deepEqual(seen, [[{ a: 1 }, Buffer.from("b")]]);
    const order = clients[1].got.map(([name]) => name).filter((name) => name.startsWith(event));
    assert.deepEqual(order, [event, `${event}-nested`]);
  });

  it("leaves the caller's packet alone", () => {
    const packet = { type: 2, data: ["frozen", Object.freeze({ a: 1 })] };
    Object.freeze(packet.data);
    Object.freeze(packet);
    servers[0].adapter().broadcast(packet, { rooms: new Set(), except: new Set(), flags: {} });
    servers[0].adapter().broadcastWithAck(packet, { rooms: new Set(["nobody"]), except: new Set(), flags: { timeout: 50 } }, () => undefined, () => undefined);
  });

  describe("acknowledgements", () => {
    it("collects those of all clients of all servers", async () => {
      const event = unique("ack");
      clients.forEach((client, i) => client.on(event, (value, done) => done(value * 10 + i)));
      const responses = await servers[0].io.timeout(3000).emitWithAck(event, 4);
      assert.deepEqual(responses.sort(), [40, 41, 42]);
    });

    it("asks only the servers of the room, and is complete at once", async () => {
      const [event, room] = ["ackroom", "r"].map(unique);
      await clients[2].server.join(room);
      clients[2].on(event, (done) => done("me"));
      const start = Date.now();
      assert.deepEqual(await servers[0].io.to(room).timeout(5000).emitWithAck(event), ["me"]);
      assert.deepEqual(await servers[0].io.to("nobody here").timeout(5000).emitWithAck(event), []);
      assert.ok(Date.now() - start < 2000);
    });

    it("times out with the answers that came", async () => {
      const event = unique("acktimeout");
      clients[0].on(event, (done) => done("a"));
      clients[1].on(event, (done) => done("b"));
      clients[2].on(event, () => undefined);
      await assert.rejects(servers[0].io.timeout(300).emitWithAck(event), (error) => {
        assert.equal(error.message, "operation has timed out");
        assert.deepEqual(error.responses.sort(), ["a", "b"]);
        return true;
      });
      await until(() => clients[2].server.acks.size === 0, "the acknowledgement to be forgotten");
    });

    it("carries binary and undefined both ways", async () => {
      const event = unique("ackbinary");
      clients.forEach((client) => client.on(event, (bytes, done) => done(Buffer.concat([Buffer.from(bytes), Buffer.from("!")]))));
      const responses = await servers[1].io.timeout(3000).emitWithAck(event, Buffer.from("hey"));
      assert.deepEqual(responses.map((bytes) => Buffer.from(bytes).toString()), ["hey!", "hey!", "hey!"]);
      const silent = unique("ackundefined");
      clients.forEach((client) => client.on(silent, (done) => done()));
      assert.deepEqual(await servers[1].io.timeout(3000).emitWithAck(silent), [undefined, undefined, undefined]);
    });

    it("asks this server alone when local", async () => {
      const event = unique("acklocal");
      clients.forEach((client, i) => client.on(event, (done) => done(i)));
      assert.deepEqual(await servers[1].io.local.timeout(3000).emitWithAck(event), [1]);
    });

    it("serves many clients of one server", async () => {
      const event = unique("ackmany");
      const extra = await Promise.all(Array.from({ length: 20 }, () => servers[2].client()));
      [...clients, ...extra].forEach((client) => client.on(event, (done) => done(1)));
      assert.equal((await servers[0].io.timeout(5000).emitWithAck(event)).length, 23);
      extra.forEach((client) => client.disconnect());
      await until(() => servers[2].io.of("/").sockets.size === 1, "the clients to be gone");
    });
  });

  describe("sockets of other servers", () => {
    it("fetches them all", async () => {
      clients.forEach((client, i) => {
        client.server.data = { index: i, bytes: Buffer.from([i]), nothing: undefined };
      });
      const sockets = await servers[0].io.fetchSockets();
      assert.deepEqual(sockets.map((socket) => socket.id).sort(), clients.map((client) => client.id).sort());
      for (const [i, client] of clients.entries()) {
        const socket = sockets.find(({ id }) => id === client.id);
        assert.equal(socket.data.index, i);
        assert.deepEqual(Buffer.from(socket.data.bytes), Buffer.from([i]));
        assert.ok(socket.rooms.has(client.id));
        assert.equal(socket.handshake.query.EIO, "4");
assert.match(socket.handshake.headers.host, /^127\.0\.0\.1:/);
      }
    });

    it("fetches those of a room, and without the excepted", async () => {
      const [a, b] = ["fa", "fb"].map(unique);
      await clients[1].server.join(a);
      await clients[2].server.join([a, b]);
      assert.deepEqual((await servers[0].io.in(a).except(b).fetchSockets()).map(({ id }) => id), [clients[1].id]);
      assert.deepEqual(await servers[0].io.in("nobody at all").fetchSockets(), []);
      assert.equal((await servers[0].io.local.fetchSockets()).length, 1);
    });

    it("gives sockets that can be used", async () => {
      const event = unique("remote");
      const [remote] = await servers[0].io.in(clients[2].id).fetchSockets();
      remote.emit(event, "hi");
      assert.deepEqual(await gets(clients[2], event), [["hi"]]);
      clients[2].on(`${event}-ack`, (done) => done("yes"));
      assert.equal(await new Promise((resolve, reject) => remote.timeout(3000).emit(`${event}-ack`, (error, value) => (error ? reject(error) : resolve(value)))), "yes");
      const room = unique("joined");
      remote.join(room);
      await until(() => clients[2].server.rooms.has(room), "the join");
      remote.leave(room);
      await until(() => !clients[2].server.rooms.has(room), "the leave");
    });

    it("makes them join, and reaches them with the next emit", async () => {
      for (let round = 0; round < 20; round++) {
        const [event, room] = ["sj", "room"].map(unique);
        servers[round % 3].io.socketsJoin(room);
        servers[round % 3].io.to(room).emit(event, round);
        for (const client of clients) assert.deepEqual(await gets(client, event), [[round]]);
      }
    });

    it("makes some of them join and leave", async () => {
      const [event, from, to] = ["some", "from", "to"].map(unique);
      await clients[1].server.join(from);
      servers[0].io.in(from).socketsJoin([to, `${to}-2`]);
      servers[0].io.to(`${to}-2`).emit(event, 1);
      await gets(clients[1], event);
      servers[2].io.in(to).socketsLeave(to);
      await until(() => !clients[1].server.rooms.has(to), "the leave");
      assert.ok(clients[1].server.rooms.has(`${to}-2`));
      assert.equal(received(clients[0], event).length + received(clients[2], event).length, 0);
    });

    it("emits before it disconnects", async () => {
      const event = unique("bye");
      const doomed = await servers[2].client();
      await doomed.server.join("doomed");
      const gone = new Promise((resolve) => doomed.on("disconnect", resolve));
      servers[0].io.to("doomed").emit(event, "last words");
      servers[0].io.in("doomed").disconnectSockets(true);
      await gone;
      assert.deepEqual(received(doomed, event), [["last words"]]);
    });

    it("lists ids with allSockets()", async () => {
      const ids = await servers[0].io.allSockets();
      assert.deepEqual([...ids].sort(), clients.map(({ id }) => id).sort());
    });
  });

  describe("serverSideEmit", () => {
    it("reaches the other servers and not this one", async () => {
      const event = unique("sse");
      const got = [[], [], []];
      servers.forEach((server, i) => server.io.on(event, (...args) => got[i].push(args)));
      servers[1].io.serverSideEmit(event, "a", { b: [1, Buffer.from("x")] }, undefined, 5n);
      await until(() => got[0].length === 1 && got[2].length === 1, "both");
      await sleep(50);
      assert.deepEqual(got, [[["a", { b: [1, Buffer.from("x")] }, undefined, 5n]], [], [["a", { b: [1, Buffer.from("x")] }, undefined, 5n]]]);
    });

    it("collects answers", async () => {
      const event = unique("sseack");
      servers.forEach((server, i) => server.io.on(event, (value, done) => done(`${value}${i}`)));
      assert.deepEqual((await servers[1].io.serverSideEmitWithAck(event, "s")).sort(), ["s0", "s2"]);
    });

    it("times out with the answers that came", async () => {
      const event = unique("ssetimeout");
      const quick = await AppServer.start(sidecars.all[0].address, { adapter: { requestTimeout: 200 } });
      await until(async () => (await quick.count()) === 4, "the fourth server");
      servers[0].io.on(event, (done) => done("zero"));
      await assert.rejects(quick.io.serverSideEmitWithAck(event), (error) => {
        assert.equal(error.message, "timeout reached: only 1 responses received out of 3");
        assert.deepEqual(error.responses, ["zero"]);
        return true;
      });
      await quick.stop();
      await converged(servers);
    });
  });
});

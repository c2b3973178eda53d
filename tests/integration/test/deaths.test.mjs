// Processes that die by SIGKILL: servers, and sidecars under traffic. Nothing that a buffer holds is lost,
// nothing comes twice, each publisher's messages stay in order, and whatever waits ends.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppServer, converged, received, startServers } from "../support/server.mjs";
import { ChildServer } from "../support/child-server.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { numbers, publish } from "../support/traffic.mjs";
import { sleep, until } from "../support/until.mjs";

async function withMesh(count, run) {
  const sidecars = await Sidecars.start(count);
  const servers = [];
  const children = [];
  try {
    await run(sidecars, servers, children);
  } finally {
    await Promise.all(children.map((child) => child.kill()));
    await Promise.all(servers.map((server) => server.stop()));
    await sidecars.stop();
  }
}

describe("a server that dies", () => {
  it("is not counted any more, and ends what waits for it, at once", async () => {
    await withMesh(3, async (sidecars, servers, children) => {
      servers.push(await AppServer.start(sidecars.all[0].address), await AppServer.start(sidecars.all[1].address));
      children.push(await ChildServer.start(sidecars.all[2].address));
      await until(async () => (await servers[0].count()) === 3, "three servers");
      await children[0].call("clients", 2, ["all"]);
      await children[0].call("neverAnswer", "question");
      const client = await servers[1].client();
      client.on("silent", (done) => done("alive"));
      servers[1].io.on("question", (done) => done("here"));

      const ack = servers[0].io.timeout(20_000).emitWithAck("silent");
      const sse = servers[0].io.serverSideEmitWithAck("question");
      await sleep(100);
      const start = Date.now();
      await children[0].kill();
      const fetched = servers[0].io.fetchSockets();
      assert.deepEqual(await ack, ["alive"]);
      assert.deepEqual(await sse, ["here"]);
      assert.equal((await fetched).length, 1);
      assert.ok(Date.now() - start < 2000, "at once, not by a timeout");
      await until(async () => (await servers[0].count()) === 2 && (await servers[1].count()) === 2, "the count");
      assert.equal(servers[0].of("peer-down")[0].reason, "died");
      assert.deepEqual(await servers[0].io.timeout(3000).emitWithAck("silent"), ["alive"]);
    });
  });

  it("counts with the clients that had answered", async () => {
    await withMesh(2, async (sidecars, servers, children) => {
      servers.push(await AppServer.start(sidecars.all[0].address));
      children.push(await ChildServer.start(sidecars.all[1].address));
      await until(async () => (await servers[0].count()) === 2, "two servers");
      const ids = await children[0].call("clients", 3, ["r"]);
      await children[0].call("answer");
      // One more client of that server, of this process, that never answers.
      const { io: connect } = await import("socket.io-client");
      const mute = connect(`http://127.0.0.1:${children[0].port}`, { transports: ["websocket"], reconnection: false });
      await new Promise((resolve) => mute.on("connect", resolve));
      const ack = servers[0].io.timeout(20_000).emitWithAck("answer");
      await sleep(200);
      await children[0].kill();
      assert.deepEqual((await ack).sort(), ids.map((_, i) => i));
      mute.disconnect();
    });
  });
});

describe("a sidecar that dies under traffic", () => {
  for (const [which, index] of [["the publisher's", 0], ["the receiver's", 1]]) {
    it(`${which}: nothing lost, nothing twice, in order`, async () => {
      await withMesh(3, async (sidecars, servers) => {
        servers.push(...(await startServers(sidecars)));
        const clients = await Promise.all(servers.map((server) => server.client()));
        await Promise.all(clients.map((client) => client.server.join("flood")));
        const publishers = servers.map((server, i) => publish(server, "flood", `from-${i}`));
        for (let kill = 0; kill < 3; kill++) {
          await sleep(300);
          await sidecars.all[index].restart();
        }
        await sleep(300);
        const sent = publishers.map((publisher) => publisher.stop());
        for (const client of clients) {
          for (const [i, count] of sent.entries()) {
            await until(() => received(client, `from-${i}`).at(-1)?.[0] === count - 1, () => `the end of ${i}: ${received(client, `from-${i}`).length} of ${count}`);
            assert.deepEqual(received(client, `from-${i}`).flat(), numbers(count));
          }
        }
        assert.ok(servers[index].of("attached").length >= 4);
        for (const server of servers) assert.deepEqual(server.of("gap"), []);
        await converged(servers);
      });
    });
  }

  it("all of them at once, twice", async () => {
    await withMesh(3, async (sidecars, servers) => {
      servers.push(...(await startServers(sidecars)));
      const clients = await Promise.all(servers.map((server) => server.client()));
      await Promise.all(clients.map((client) => client.server.join("flood")));
      const publishers = servers.map((server, i) => publish(server, "flood", `from-${i}`));
      for (let kill = 0; kill < 2; kill++) {
        await sleep(300);
        await Promise.all(sidecars.all.map((sidecar) => sidecar.restart()));
      }
      await sleep(300);
      const sent = publishers.map((publisher) => publisher.stop());
      for (const client of clients) {
        for (const [i, count] of sent.entries()) {
          await until(() => received(client, `from-${i}`).at(-1)?.[0] === count - 1, () => `the end of ${i}: ${received(client, `from-${i}`).length} of ${count}`);
          assert.deepEqual(received(client, `from-${i}`).flat(), numbers(count));
        }
      }
    });
  });

  it("keeps requests exact over its death", async () => {
    await withMesh(2, async (sidecars, servers) => {
      servers.push(...(await startServers(sidecars)));
      const clients = await Promise.all(servers.map((server) => server.client()));
      clients.forEach((client, i) => client.on("ask", (done) => setTimeout(() => done(i), 150)));
      const answers = servers[0].io.timeout(10_000).emitWithAck("ask");
      await sleep(50);
      await sidecars.all[0].restart();
      assert.deepEqual((await answers).sort(), [0, 1]);
      assert.equal(await servers[0].count(), 2);
      assert.equal((await servers[0].io.fetchSockets()).length, 2);
    });
  });
});

describe("a sidecar that is away", () => {
  it("does not hold up local delivery, and everything is caught up on its return", async () => {
    await withMesh(2, async (sidecars, servers) => {
      servers.push(...(await startServers(sidecars)));
      const [near, far] = await Promise.all(servers.map((server) => server.client()));
      await sidecars.all[0].kill();
      await until(() => servers[0].of("detached").length === 1, "the detachment");
      servers[0].io.volatile.emit("volatile", 1);
      for (let i = 0; i < 500; i++) servers[0].io.emit("while away", i);
      await until(() => received(near, "while away").length === 500 && received(near, "volatile").length === 1, "local delivery");
      await near.server.join("joined while away");
      await sidecars.all[0].start();
      await until(() => received(far, "while away").length === 500, "the rest");
      assert.deepEqual(received(far, "while away").flat(), numbers(500));
      assert.equal(received(far, "volatile").length, 0);
      await until(async () => {
        servers[1].io.to("joined while away").emit("found");
        await sleep(20);
        return received(near, "found").length > 0;
      }, "the room that was joined meanwhile");
    });
  });

  it("leaves the last known servers in the count for a while, then takes them out", async () => {
    await withMesh(2, async (sidecars, servers) => {
      const adapter = { detachedGrace: 400 };
      servers.push(await AppServer.start(sidecars.all[0].address, { adapter }), await AppServer.start(sidecars.all[1].address));
      await converged(servers);
      servers[1].io.on("never", () => undefined);
      const waiting = servers[0].io.serverSideEmitWithAck("never");
      await sleep(50);
      await sidecars.all[0].kill();
      await until(() => servers[0].of("detached").length === 1, "the detachment");
      assert.equal(await servers[0].count(), 2);
      assert.deepEqual(await waiting, []);
      assert.equal(await servers[0].count(), 1);
      assert.equal(servers[0].of("peer-down")[0].reason, "unreachable");
      await sidecars.all[0].start();
      await converged(servers);
    });
  });

  it("drops the oldest past the buffer, and says so at the other end", async () => {
    await withMesh(2, async (sidecars, servers) => {
      servers.push(
        await AppServer.start(sidecars.all[0].address, { adapter: { bufferBytes: 1024 * 1024 } }),
        await AppServer.start(sidecars.all[1].address),
      );
      await converged(servers);
      const far = await servers[1].client();
      await sidecars.all[0].kill();
      await until(() => servers[0].of("detached").length === 1, "the detachment");
      const text = "x".repeat(1000);
      for (let i = 0; i < 3000; i++) servers[0].io.emit("much", i, text);
      await sidecars.all[0].start();
      await until(() => received(far, "much").at(-1)?.[0] === 2999, "the newest");
      const got = received(far, "much").map(([i]) => i);
      assert.deepEqual(got, numbers(3000).slice(3000 - got.length));
      const [gap] = await until(() => servers[1].of("gap").length > 0 && servers[1].of("gap"), "the gap");
      assert.equal(gap.messages, 3000 - got.length);
    });
  });
});

describe("a server that does not read", () => {
  it("slows nobody else down, and gets everything in order when it goes on", async () => {
    await withMesh(3, async (sidecars, servers, children) => {
      servers.push(await AppServer.start(sidecars.all[0].address), await AppServer.start(sidecars.all[1].address));
      children.push(await ChildServer.start(sidecars.all[2].address));
      await until(async () => (await servers[0].count()) === 3, "three servers");
      await children[0].call("clients", 1, ["r"]);
      const quick = await servers[1].client();
      await quick.server.join("r");
      let stalls = true;
      const stalled = children[0].call("stall", 4000).then(() => (stalls = false));
      await sleep(50);
      const text = "y".repeat(2000);
      for (let i = 0; i < 2000; i++) {
        servers[0].io.to("r").emit("load", i, text);
        if (i % 50 === 0) await new Promise((done) => setImmediate(done));
      }
      await until(() => received(quick, "load").length === 2000, () => `the quick one: ${received(quick, "load").length}`);
      assert.ok(stalls, "before the stalled one went on");
      assert.deepEqual(received(quick, "load").map(([i]) => i), numbers(2000));
      await stalled;
      await until(async () => (await children[0].call("got", "load")).length === 2000, "the stalled one");
      assert.deepEqual(await children[0].call("got", "load"), numbers(2000));
    });
  });
});

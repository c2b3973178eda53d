// Namespaces: static, dynamic, closed when empty; presence, counts and requests follow each of them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AppServer, converged, received, startServers } from "../support/server.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { sleep, until } from "../support/until.mjs";

describe("namespaces", () => {
  let sidecars;
  let servers;

  before(async () => {
    sidecars = await Sidecars.start(2);
    servers = await startServers(sidecars, { server: { cleanupEmptyChildNamespaces: true } });
    for (const server of servers) server.io.of(/^\/dyn-.+$/);
  });

  after(async () => {
    await Promise.all((servers ?? []).map((server) => server.stop()));
    await sidecars?.stop();
  });

  it("are apart from each other", async () => {
    servers.forEach((server) => server.io.of("/chat"));
    await converged(servers, "/chat");
    const inChat = await servers[1].client("/chat");
    const inRoot = await servers[1].client("/");
    servers[0].io.of("/chat").emit("only-chat");
    servers[0].io.emit("only-root");
    await until(() => received(inChat, "only-chat").length === 1 && received(inRoot, "only-root").length === 1, "both");
    assert.equal(inChat.got.length + inRoot.got.length, 2);
    assert.equal((await servers[0].io.of("/chat").fetchSockets()).length, 1);
  });

  it("count where they exist", async () => {
    servers[0].io.of("/alone");
    assert.equal(await servers[0].count("/alone"), 1);
    assert.deepEqual(await servers[0].io.of("/alone").serverSideEmitWithAck("anyone"), []);
    servers[1].io.of("/alone");
    await converged(servers, "/alone");
  });

  it("come with their first client and go with their last, everywhere", async () => {
    const first = await servers[0].client("/dyn-1");
    assert.equal(await servers[0].count("/dyn-1"), 1);
    const second = await servers[1].client("/dyn-1");
    await converged(servers, "/dyn-1");
    await second.server.join("r");
    servers[0].io.of("/dyn-1").to("r").emit("hello", 1);
    await until(() => received(second, "hello").length === 1, "the emit");
    second.disconnect();
    await until(async () => (await servers[0].count("/dyn-1")) === 1, "the namespace to go");
    const again = await servers[1].client("/dyn-1");
    await converged(servers, "/dyn-1");
    await again.server.join("r");
    servers[0].io.of("/dyn-1").to("r").emit("hello", 2);
    await until(() => received(again, "hello").length === 1, "the emit to the namespace's second life");
    assert.deepEqual(received(again, "hello"), [[2]]);
    first.disconnect();
    again.disconnect();
  });

  it("of a parent reach the children of every server", async () => {
    const parents = servers.map((server) => server.io.of(/^\/room-\d+$/));
    const clients = [await servers[0].client("/room-1"), await servers[1].client("/room-1"), await servers[1].client("/room-2")];
    await converged(servers, "/room-1");
    parents[0].emit("news", 1);
    await until(() => received(clients[0], "news").length === 1 && received(clients[1], "news").length === 1, "room-1");
    await sleep(50);
    // Socket.IO's parent emits to the children that it has: /room-2 has none on that server.
    assert.equal(received(clients[2], "news").length, 0);
  });

  it("that leave end the requests that wait for them", async () => {
    servers.forEach((server) => server.io.of("/waits"));
    await converged(servers, "/waits");
    servers[1].io.of("/waits").on("question", () => undefined);
    const answer = servers[0].io.of("/waits").serverSideEmitWithAck("question");
    await sleep(50);
    const start = Date.now();
    await servers[1].adapter("/waits").close();
    assert.deepEqual(await answer, []);
    assert.ok(Date.now() - start < 1000);
  });

  it("serve several members of one sidecar", async () => {
    const other = await AppServer.start(sidecars.all[0].address);
    await until(async () => (await other.count()) === 3, "three servers");
    const client = await other.client();
    servers[0].io.emit("same sidecar", 1);
    await until(() => received(client, "same sidecar").length === 1, "the emit over one sidecar");
    other.io.emit("back", 1);
    await other.stop();
    await until(async () => (await servers[0].count()) === 2, "the other to be gone");
  });
});

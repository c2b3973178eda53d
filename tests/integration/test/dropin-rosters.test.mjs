// Drop-in: who is in which roster, when, and under which address; and who may register at all.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { connected, exchange, noCuts, threePeers, withMesh } from "../support/dropin-mesh.mjs";
import { V1Peer, V2Peer } from "../support/dropin-peers.mjs";
import { sleep, until } from "../support/until.mjs";

describe("rosters", () => {
  it("200 rolling registrations never publish a partial roster", async () => {
    await withMesh({}, async (sidecars, join) => {
      const [a, b, c] = await threePeers(sidecars, join);
      const fixed = [a, b, c];
      const rolling = [];
      const stoppedAt = {};
      for (let i = 0; i < 200; i++) {
        const peer = await join(V2Peer, sidecars.all[i % 3]);
        rolling.push(peer);
        if (rolling.length > 3) {
          const oldest = rolling.shift();
          stoppedAt[oldest.id] = Date.now();
          await oldest.stop();
        }
        await until(() => peer.rosters.length > 0, "its first roster");
        for (const one of fixed) assert.ok(peer.rosters[0].has(one.id), `roster ${i} lacks one that was there`);
        assert.ok(peer.rosters[0].has(peer.id));
      }
      for (const peer of fixed) {
        for (const roster of peer.rosters.slice(-200)) for (const one of fixed) assert.ok(roster.has(one.id));
        // Whoever was in a roster is in all later ones, until it was told to stop.
        for (const [id, time] of Object.entries(peer.goneAt)) assert.ok(time >= stoppedAt[id], `${id} is missing`);
        for (const { id, why } of peer.cuts) assert.ok(why === "missing" && id in stoppedAt, `${id} was cut: ${why}`);
      }
      await until(() => fixed.every(({ goneAt }) => Object.keys(goneAt).length === 197), "the rosters without them");
    });
  });

  it("v1 and v2 apps are kept apart; v1 is direct", async () => {
    await withMesh({ count: 2 }, async (sidecars, join) => {
      const v2 = await threePeers(sidecars, join);
      const v1 = await threePeers(sidecars, join, V1Peer);
      for (const [peers, strangers] of [[v1, v2], [v2, v1]]) {
        for (const peer of peers) for (const { id } of strangers) assert.ok(!peer.roster.has(id));
      }
      assert.equal(v1[0].roster.get(v1[1].id), v1[1].address);
      v1[0].send({ type: "broadcast", number: 1 });
      v1[0].send({ type: "fetch-sockets", requestId: "7" });
      await until(() => v1[0].received.length === 1, "the answer, on the connection of the request");
      assert.deepEqual(v1[0].received[0], {
        from: v1[1].id,
        data: { type: "fetch-sockets-response", requestId: "7", from: v1[1].id },
      });
      assert.deepEqual(v1[1].received.map(({ data }) => data.type), ["broadcast", "fetch-sockets"]);
      noCuts([...v1, ...v2]);
    });
  });

  it("a v1 app outlives its sidecar in the rosters, and only as long as its process", async () => {
    await withMesh({}, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join, V1Peer);
      const [a, b, c] = peers;
      await sidecars.all[1].restart();
      await sidecars.linked();
      await until(async () => (await sidecars.all[1].metric("socketmesh_dropin_restart_needed")) === 1, "the metric");
      assert.match(sidecars.all[1].readLog(), /v1 app must be restarted to see new servers/);
      const late = await join(V1Peer, sidecars.all[0]);
      await until(() => late.roster.size === 4, () => `a whole roster: ${late.roster.size}`);
      assert.equal(late.roster.get(b.id), b.address);
      noCuts(peers);
      const start = Date.now();
      b.die();
      await until(() => [a, c, late].every((peer) => !peer.roster.has(b.id)), "the rosters without it");
      for (const { goneAt } of [a, c, late]) assert.ok(goneAt[b.id] - start < 1000, `after ${goneAt[b.id] - start} ms`);
      await until(async () => (await sidecars.all[1].metric("socketmesh_dropin_restart_needed")) === 0, "the metric");
    });
  });

  it("direct mode names the addresses that were registered", async () => {
    await withMesh({ count: 2, dropin: { mode: "direct" } }, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      for (const peer of peers) {
        assert.deepEqual(peer.roster, new Map(peers.map(({ id, address }) => [id, address]).sort()));
      }
      await exchange(peers, 100, "direct");
      // The apps' connections need no sidecar: its end, and its return, cut nothing.
      await sidecars.all[1].kill();
      await sleep(3500);
      await exchange(peers, 100, "without a sidecar");
      await sidecars.all[1].start();
      await until(() => peers[1].roster.size === 2 && peers[1].discovery.readyState === 1, "its registration");
      await sleep(500);
      await exchange(peers, 100, "with a sidecar again");
      noCuts(peers);
    });
  });
});

describe("the two ports", () => {
  it("listen on loopback alone", async () => {
    await withMesh({ count: 1 }, async (sidecars) => {
      const [{ dropin }] = sidecars.all;
      const listening = readFileSync("/proc/net/tcp", "utf8") + readFileSync("/proc/net/tcp6", "utf8");
      for (const address of [dropin.discovery, dropin.tunnel]) {
        const port = Number(address.split(":")[1]).toString(16).toUpperCase().padStart(4, "0");
        const local = [...listening.matchAll(new RegExp(`(\\w+):${port} \\w+:0000 0A`, "g"))].map(([, host]) => host);
        assert.deepEqual(local, ["0100007F"], address);
      }
    });
  });

  it("hostile bytes cut that connection only", async () => {
    await withMesh({ count: 2 }, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      for (const address of [sidecars.all[0].dropin.discovery, sidecars.all[0].dropin.tunnel]) {
        const [host, port] = address.split(":");
        const upgrade = [
          `GET /${peers[1].id} HTTP/1.1`,
          "Host: a",
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Version: 13",
          `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
          "\r\n",
        ].join("\r\n");
        for (const hostile of ["GET / HTTP/1.1\r\n\r\n", randomBytes(20_000), upgrade + "\r\nbehind", upgrade]) {
          const socket = connect(Number(port), host);
          socket.on("error", () => undefined);
          await once(socket, "connect");
          socket.write(hostile);
          // After an upgrade: frames that are none.
          if (hostile === upgrade) {
            await once(socket, "data");
            socket.write(randomBytes(1000).fill(0xff, 0, 2));
          }
          socket.resume();
          await once(socket, "close");
        }
      }
      await exchange(peers, 100, "after");
      noCuts(peers);
    });
  });

  it("a token must match", async () => {
    const folder = mkdtempSync(join(tmpdir(), "socketmesh-token-"));
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "secret\n");
    await withMesh({ count: 2, dropin: { tokenFile } }, async (sidecars, join) => {
      const peers = [];
      for (const sidecar of sidecars.all) peers.push(await join(V2Peer, sidecar, { token: "secret" }));
      await connected(peers);
      for (const token of ["wrong", undefined]) {
        const stranger = await join(V2Peer, sidecars.all[0], { token });
        await until(() => stranger.discoveryClosed, "the refusal");
        assert.deepEqual(stranger.discoveryClosed, { code: 4401, reason: "unauthorized" });
      }
      writeFileSync(tokenFile, "another");
      const late = await join(V2Peer, sidecars.all[0], { token: "another" });
      await until(() => late.roster.size === 3, "a registration with the new token");
      noCuts(peers);
    }).finally(() => rmSync(folder, { recursive: true }));
  });
});

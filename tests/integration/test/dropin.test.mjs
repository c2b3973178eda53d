// Apps on socket.io-mesh-adapter over three real sidecars: what docs/dropin.md promises them.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { Authority } from "../support/certificates.mjs";
import { connected, exchange, noCuts, others, threePeers, withMesh } from "../support/dropin-mesh.mjs";
import { V2Peer } from "../support/dropin-peers.mjs";
import { sleep, until } from "../support/until.mjs";

describe("v2 apps, carried", () => {
  it("every frame arrives once, in order, both ways", async () => {
    await withMesh({}, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      for (const [i, peer] of peers.entries()) {
        assert.equal(peer.roster.get(peer.id), peer.address, "the list holds the receiver itself");
        for (const other of others(peers, peer))
          assert.equal(peer.roster.get(other.id), `ws://${sidecars.all[i].dropin.tunnel}/${other.id}`);
        for (const { uid, address } of peer.hellos ?? []) assert.equal(address, peer.roster.get(uid));
      }
      await exchange(peers, 500, "small");
      noCuts(peers);
      assert.equal(await sidecars.all[0].metric('socketmesh_dropin_servers{version="v2",where="peers"}'), 2);
      assert.equal(await sidecars.all[0].metric("socketmesh_dropin_tunnels"), 2);
    });
  });

  it("frames of up to 16 MiB arrive unchanged both ways, and a byte over the limit is refused", async () => {
    await withMesh({ count: 2 }, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      const [a, b] = peers;
      const digest = (bytes) => createHash("sha1").update(bytes).digest("hex");
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 32 * 1024 - 1, 1 << 20, (16 << 20) - 1, 16 << 20];
      const sent = sizes.map((size) => randomBytes(size));
      for (const [i, bytes] of sent.entries()) {
        // A peer with more than 16 MiB buffered is cut.
        if (bytes.length > 1 << 20) await until(() => peers.every(({ received }) => received.length === i), "all before");
        a.send(b.id, bytes);
        b.send(a.id, bytes);
      }
      for (const peer of peers) {
        await until(() => peer.received.length === sent.length, () => `${peer.received.length} of ${sent.length}`);
        assert.deepEqual(peer.received.map(({ data }) => digest(data)), sent.map(digest));
      }
      noCuts(peers);
      // From the side that dialled, then from the one that accepted.
      for (const [i, sender] of [a, b].entries()) {
        const limit = (16 << 20) + 1024;
        const to = i === 0 ? b : a;
        const before = to.received.length;
        sender.peers.get(to.id).socket.send(Buffer.alloc(limit, 1));
        await until(() => to.received.length > before, "a message of the limit");
        sender.peers.get(to.id).socket.send(Buffer.alloc(limit + 1, 1));
        const gone = (peer) => until(() => peer.lost?.length === i + 1 && peer.lost[i].code === 1009, "the cut");
        await Promise.all([gone(a), gone(b)]);
        for (const sidecar of sidecars.all)
          assert.equal(await sidecar.metric('socketmesh_dropin_tunnels_closed_total{reason="too_big"}'), i + 1);
        await connected(peers); // by redial
      }
    });
  });

  it("an app that listens on ::1 alone is reached", async () => {
    await withMesh({ count: 2 }, async (sidecars, join) => {
      const peers = [await join(V2Peer, sidecars.all[0], { host: "::1" }), await join(V2Peer, sidecars.all[1], { host: "::1" })];
      await connected(peers);
      await exchange(peers, 10, "v6");
    });
  });

  it("an app that does not read holds its sender back, and nobody else", async () => {
    await withMesh({}, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      const [a, b, c] = peers;
      b.peers.get(a.id).socket.pause();
      const size = 1 << 20;
      const frames = 48;
      let written = 0;
      for (let i = 0; i < frames; i++) {
        a.peers.get(b.id).socket.send(Buffer.concat([Buffer.of(1), Buffer.alloc(size, i)]), () => written++);
      }
      await sleep(500);
      assert.ok(written < frames, `all ${written} frames went out to an app that does not read`);
      const held = (await sidecars.all[1].currentStatus()).dropin.tunnels.map((tunnel) => tunnel.waiting_bytes);
      assert.ok(Math.max(...held) <= 512 << 10, `a sidecar holds ${held} bytes`);
      await exchange([a, c], 200, "beside");
      b.peers.get(a.id).socket.resume();
      await until(() => b.received.length === frames, () => `${b.received.length} of ${frames}`);
      assert.deepEqual(b.received.map(({ data }) => data[0]), Array.from({ length: frames }, (_, i) => i));
      assert.equal(written, frames);
      noCuts(peers);
    });
  });

  it("a peer's death removes it from every roster within a second", async () => {
    await withMesh({}, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      const [a, b, c] = peers;
      const start = Date.now();
      c.die();
      await until(() => !a.roster.has(c.id) && !b.roster.has(c.id), "the rosters without it");
      for (const { goneAt } of [a, b]) assert.ok(goneAt[c.id] - start < 1000, `after ${goneAt[c.id] - start} ms`);
      assert.ok(a.roster.has(b.id) && b.roster.has(a.id));
    });
  });

  for (const signal of ["SIGKILL", "SIGTERM"]) {
    it(`a sidecar restarted by ${signal} gets its app back, and no roster is ever partial`, async () => {
      await withMesh({}, async (sidecars, join) => {
        const peers = await threePeers(sidecars, join);
        // Peers expect one back that leaves before its members may have found it.
        if (signal === "SIGTERM") await sleep(3100);
        const told = peers.map(({ rosters }) => rosters.length);
        await sidecars.all[1].kill(signal);
        await sidecars.all[1].start();
        await until(() => peers[1].rosters.length > told[1], "a roster of the new life");
        await connected(peers);
        await exchange(peers, 50, "after");
        for (const [i, { rosters }] of peers.entries()) {
          for (const roster of rosters.slice(told[i])) assert.equal(roster.size, 3, "a partial roster");
        }
        noCuts(peers);
      });
    });
  }

  it("links that break carry on where they were", async () => {
    await withMesh({}, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      for (let round = 0; round < 3; round++) {
        const running = exchange(peers, 300, `round ${round}`);
        // Frozen long enough for the links to be cut, short enough for the peer not to be given up.
        sidecars.all[1].signal("SIGSTOP");
        await sleep(300);
        sidecars.all[1].signal("SIGCONT");
        await running;
      }
      noCuts(peers);
    });
  });
});

describe("between sidecars", () => {
  it("tunnels go through links of mutual TLS, and outlive a new certificate", async () => {
    const authority = new Authority();
    try {
      await withMesh({ certificates: () => authority.set() }, async (sidecars, join) => {
        const peers = await threePeers(sidecars, join);
        const running = exchange(peers, 500, "tls");
        for (const sidecar of sidecars.all) sidecar.secret.publish(authority.set());
        await running;
        const frame = randomBytes(4 << 20);
        peers[0].send(peers[1].id, frame);
        await until(() => peers[1].received.some(({ data }) => data.equals(frame)), "a large frame");
        noCuts(peers);
      });
    } finally {
      authority.remove();
    }
  });
});

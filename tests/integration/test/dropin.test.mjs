// Apps on socket.io-mesh-adapter over three real sidecars: what docs/dropin.md promises them.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Authority } from "../support/certificates.mjs";
import { V1Peer, V2Peer } from "../support/dropin-peers.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { sleep, until } from "../support/until.mjs";

/** Runs with `count` sidecars; peers made by `join` are stopped at the end. */
async function withMesh(options, run) {
  const { count = 3, dropin = {}, ...more } = options;
  const sidecars = await Sidecars.start(count, { dropin, ...more });
  const peers = [];
  const join = async (Kind, sidecar, more = {}) => {
    const peer = new Kind({ discovery: `ws://${sidecar.dropin.discovery}`, ...more });
    peers.push(peer);
    return peer.start();
  };
  try {
    await run(sidecars, join);
  } finally {
    await Promise.all(peers.map((peer) => peer.stop().catch(() => undefined)));
    await sidecars.stop();
  }
}

const others = (peers, peer) => peers.filter((other) => other !== peer);

/** Every peer of `peers` has every other one up, and knows it from its own roster. */
async function connected(peers) {
  const full = () => peers.every((peer) => peer.up().length === peers.length - 1 && peer.roster.size >= peers.length);
  await until(full, () => `peers to connect: ${peers.map((peer) => `${peer.up().length}/${peer.roster.size}`)}`);
}

async function threePeers(sidecars, join, Kind = V2Peer) {
  const peers = [];
  for (const sidecar of sidecars.all) peers.push(await join(Kind, sidecar));
  await connected(peers);
  return peers;
}

const noCuts = (peers) => assert.deepEqual(peers.flatMap((peer) => peer.cuts), []);

/** Each peer sends `count` numbered frames to each other one; all of them must arrive once, in order. */
async function exchange(peers, count, label) {
  const got = (to, from) => to.messages(from.id).filter((message) => message.label === label);
  for (let i = 0; i < count; i++) {
    for (const peer of peers) {
      peer.broadcast({ type: 3, label, number: i, from: peer.id }, others(peers, peer).map(({ id }) => id));
    }
    if (i % 100 === 0) await sleep(0);
  }
  for (const to of peers) {
    for (const from of others(peers, to)) {
      await until(() => got(to, from).length >= count, () => `${label}: ${got(to, from).length} of ${count}`);
      assert.deepEqual(got(to, from).map(({ number }) => number), Array.from({ length: count }, (_, i) => i));
    }
  }
}

describe("v2 apps, carried", () => {
  it("every frame arrives once, in order, both ways, and through a TLS-less mesh as it was sent", async () => {
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

  it("frames of up to 16 MiB arrive unchanged, and one over the limit is refused", async () => {
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
      a.peers.get(b.id).socket.send(Buffer.alloc((16 << 20) + 1025, 1));
      const gone = (peer, code) => until(() => peer.lost?.length === 1 && peer.lost[0].code === code, "the cut");
      await Promise.all([gone(a, 1009), gone(b, 1009)]);
      assert.equal(await sidecars.all[0].metric('socketmesh_dropin_tunnels_closed_total{reason="too_big"}'), 1);
      await connected(peers); // by redial
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
      assert.ok(Date.now() - start < 1000, `after ${Date.now() - start} ms`);
      assert.ok(a.roster.has(b.id) && b.roster.has(a.id));
    });
  });

  it("a restarted sidecar gets its app back, and gives it no partial roster", async () => {
    await withMesh({}, async (sidecars, join) => {
      const peers = await threePeers(sidecars, join);
      const [, b] = peers;
      const told = b.rosters.length;
      await sidecars.all[1].restart();
      await until(() => b.rosters.length > told, "a roster of the new life");
      for (const roster of b.rosters.slice(told)) assert.equal(roster.size, 3, "a partial roster");
      await connected(peers);
      await exchange(peers, 50, "after");
      assert.ok(!b.cuts.length, "its own peers were cut by an update");
    });
  });

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

describe("rosters", () => {
  it("200 rolling registrations never publish a partial roster", async () => {
    await withMesh({}, async (sidecars, join) => {
      const [a, b, c] = await threePeers(sidecars, join);
      const fixed = [a, b, c];
      const rolling = [];
      for (let i = 0; i < 200; i++) {
        const peer = await join(V2Peer, sidecars.all[i % 3]);
        rolling.push(peer);
        if (rolling.length > 3) await rolling.shift().stop();
        await until(() => peer.rosters.length > 0, "its first roster");
        for (const one of fixed) assert.ok(peer.rosters[0].has(one.id), `roster ${i} lacks one that was there`);
        assert.ok(peer.rosters[0].has(peer.id));
      }
      for (const peer of fixed) {
        for (const roster of peer.rosters.slice(-200)) for (const one of fixed) assert.ok(roster.has(one.id));
        for (const cut of peer.cuts) assert.ok(cut.why === "missing" && !fixed.some(({ id }) => id === cut.id));
      }
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
      assert.ok(Date.now() - start < 1500, `after ${Date.now() - start} ms`);
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
    const tokenFile = join(tmpdir(), `socketmesh-token-${process.pid}`);
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

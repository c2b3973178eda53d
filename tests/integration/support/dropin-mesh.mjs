// Sidecars and drop-in peers together, as several tests begin.
import assert from "node:assert/strict";
import { V2Peer } from "./dropin-peers.mjs";
import { Sidecars } from "./sidecar.mjs";
import { sleep, until } from "./until.mjs";

/** Runs with `count` sidecars; peers made by `join` are stopped at the end. */
export async function withMesh(options, run) {
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

export const others = (peers, peer) => peers.filter((other) => other !== peer);

/** Every peer of `peers` has every other one up, and knows it from its own roster. */
export async function connected(peers) {
  const full = () => peers.every((peer) => peer.up().length === peers.length - 1 && peer.roster.size >= peers.length);
  await until(full, () => `peers to connect: ${peers.map((peer) => `${peer.up().length}/${peer.roster.size}`)}`);
}

export async function threePeers(sidecars, join, Kind = V2Peer) {
  const peers = [];
  for (const sidecar of sidecars.all) peers.push(await join(Kind, sidecar));
  await connected(peers);
  return peers;
}

export const noCuts = (peers) => assert.deepEqual(peers.flatMap((peer) => peer.cuts), []);

/** Each peer sends `count` numbered frames to each other one; all of them must arrive once, in order. */
export async function exchange(peers, count, label) {
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

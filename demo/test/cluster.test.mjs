// cluster.mjs over adapters that are connected by hand, so that events come in any order.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { joinCluster } from "../cluster.mjs";
import { Presence } from "../presence.mjs";

/** A server whose sent events wait in `sent` until deliver() takes them elsewhere. */
function server(id, attached = true) {
  const adapter = new EventEmitter();
  const io = Object.assign(new EventEmitter(), {
    sent: [],
    of: () => ({ adapter }),
    serverSideEmit: (event, payload) => io.sent.push([event, structuredClone(payload)]),
  });
  const presence = new Presence({});
  const told = [];
  let turns = 0;
  const cluster = joinCluster(io, {
    presence,
    onChanges: (changes) => told.push(...changes.map((c) => `${c.user.username} ${c.type}`)),
    onState: () => (turns += 1),
  });
  const attach = () => adapter.emit("attached", { member: id, sidecar: "s", mesh: "m" });
  if (attached) {
    attach();
    io.sent = [];
  }
  return {
    id, attach, adapter, io, presence, cluster, told,
    get turns() {
      return turns;
    },
    join(username) {
      presence.join(`${id}-${username}`, username);
      cluster.publish();
    },
  };
}

/** Everything sent by anyone reaches everyone else, until nothing is left. */
async function deliver(...servers) {
  for (;;) {
    await turn();
    const busy = servers.filter(({ io }) => io.sent.length > 0);
    if (busy.length === 0) return;
    for (const from of busy) {
      for (const [event, payload] of from.io.sent.splice(0)) {
        for (const to of servers) if (to !== from) to.io.emit(event, payload);
      }
    }
  }
}

const meet = (a, b) => {
  a.adapter.emit("peer-up", { id: b.id });
  b.adapter.emit("peer-up", { id: a.id });
};

test("servers that meet learn each other's users", async () => {
  const [a, b] = [server("a"), server("b")];
  a.join("ann");
  b.join("bob");
  a.io.sent = [];
  b.io.sent = [];
  meet(a, b);
  await deliver(a, b);
  assert.deepEqual(a.told, ["bob joined"]);
  assert.deepEqual(b.told, ["ann joined"]);
});

test("servers that come up in one turn are asked together, by one who lacks them", async () => {
  const [a, b, c] = [server("a"), server("b"), server("c")];
  meet(a, b);
  meet(a, c);
  await turn();
  await turn();
  assert.deepEqual(a.io.sent, [["presence ask", ["b", "c"]]]);
  meet(b, c);
  await deliver(a, b, c);
  for (const { presence } of [a, b, c]) assert.deepEqual(presence.missing(), []);
  await turn();
  assert.deepEqual([a, b, c].flatMap(({ io }) => io.sent), []);
});

test("a lost list is asked for when a gap is declared", async () => {
  const [a, b] = [server("a"), server("b")];
  meet(a, b);
  await deliver(a, b);
  b.join("bob");
  b.io.sent = [];
  a.adapter.emit("gap", {});
  await deliver(a, b);
  assert.deepEqual(a.told, ["bob joined"]);
});

test("one who saw a server go and come back asks, though that one noticed nothing", async () => {
  const [a, b] = [server("a"), server("b")];
  b.join("bob");
  meet(a, b);
  await deliver(a, b);
  a.adapter.emit("peer-down", { id: "b" });
  a.adapter.emit("peer-up", { id: "b" });
  await deliver(a, b);
  assert.deepEqual(a.told, ["bob joined", "bob left", "bob joined"]);
  assert.deepEqual(b.told, []);
});

test("who logs in before the first attachment is told with it", async () => {
  const [a, b] = [server("a", false), server("b")];
  a.join("ann");
  assert.deepEqual(a.io.sent, []);
  a.attach();
  b.adapter.emit("peer-up", { id: "a" });
  await deliver(a, b);
  assert.deepEqual(b.told, ["ann joined"]);
  a.adapter.emit("detached", {});
  a.attach();
  assert.deepEqual(a.io.sent, []);
});

test("the sidecar's state is told", () => {
  const a = server("a", false);
  assert.equal(a.cluster.sidecar, "away");
  a.attach();
  assert.equal(a.cluster.sidecar, "attached");
  a.adapter.emit("detached");
  assert.equal(a.cluster.sidecar, "away");
  assert.equal(a.turns, 2);
});

test("questions that are none are ignored", async () => {
  const a = server("a");
  for (const ids of [undefined, null, "a", {}, ["b"], [1]]) a.io.emit("presence ask", ids);
  assert.deepEqual(a.io.sent, []);
});

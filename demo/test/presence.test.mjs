import assert from "node:assert/strict";
import test from "node:test";
import { Presence, USERS_PER_SERVER_MAX } from "../presence.mjs";

const told = (changes) => changes.map((c) => `${c.user.username} ${c.type} ${c.numUsers}`);
const names = (presence) =>
  presence
    .servers()
    .flatMap((server) => server.users.map((user) => `${user.username}@${server.id}`))
    .sort();

function pair() {
  const a = new Presence({ id: "a", index: 1 });
  const b = new Presence({ id: "b", index: 2 });
  a.peerUp("b");
  b.peerUp("a");
  return [a, b];
}

test("own users join and leave once", () => {
  const [a] = pair();
  assert.deepEqual(a.join("s1", "ann"), {
    type: "joined",
    user: { id: "s1", username: "ann", server: "a" },
    numUsers: 1,
  });
  assert.equal(a.join("s1", "again"), undefined);
  assert.equal(a.usernameOf("s1"), "ann");
  assert.equal(a.leave("s1").numUsers, 0);
  assert.equal(a.leave("s1"), undefined);
  assert.equal(a.usernameOf("s1"), undefined);
});

test("another server's list is told as the difference from the one held", () => {
  const [a, b] = pair();
  b.join("s1", "bob");
  b.join("s2", "ben");
  assert.deepEqual(told(a.accept(b.list())), ["bob joined 1", "ben joined 2"]);
  b.leave("s1");
  b.join("s3", "bea");
  assert.deepEqual(told(a.accept(b.list())), ["bob left 1", "bea joined 2"]);
  assert.deepEqual(names(a), ["bea@b", "ben@b"]);
});

test("a list that is repeated, overtaken or one's own changes nothing", () => {
  const [a, b] = pair();
  b.join("s1", "bob");
  const old = b.list();
  b.leave("s1");
  a.accept(b.list());
  assert.deepEqual(a.accept(old), []);
  assert.deepEqual(a.accept(b.list()), []);
  a.join("s2", "ann");
  assert.deepEqual(a.accept({ ...a.list(), version: 99, users: [] }), []);
  assert.equal(a.numUsers, 1);
});

test("a lost list is repaired by the next", () => {
  const [a, b] = pair();
  b.join("s1", "bob");
  b.list();
  b.join("s2", "ben");
  assert.deepEqual(told(a.accept(b.list())), ["bob joined 1", "ben joined 2"]);
});

test("a dead server takes its users along, once, and what still comes from it is not believed", () => {
  const [a, b] = pair();
  a.join("s0", "ann");
  b.join("s1", "bob");
  b.join("s2", "ben");
  a.accept(b.list());
  assert.deepEqual(told(a.peerDown("b")), ["bob left 2", "ben left 1"]);
  assert.deepEqual(a.peerDown("b"), []);
  b.join("s3", "late");
  assert.deepEqual(a.accept(b.list()), []);
  assert.equal(a.numUsers, 1);
});

test("a server that was only out of reach comes back with the list that it had", () => {
  const [a, b] = pair();
  b.join("s1", "bob");
  a.accept(b.list());
  a.peerDown("b");
  assert.deepEqual(a.peerUp("b"), []);
  assert.deepEqual(a.missing(), ["b"]);
  assert.deepEqual(told(a.accept(b.list())), ["bob joined 1"]);
  assert.deepEqual(a.missing(), []);
});

test("an empty list is a list: nobody is asked twice", () => {
  const [a, b] = pair();
  assert.deepEqual(a.missing(), ["b"]);
  assert.deepEqual(a.accept(b.list()), []);
  assert.deepEqual(a.missing(), []);
});

test("a list that overtakes the news of its server waits for it", () => {
  const a = new Presence({ id: "a" });
  const b = new Presence({ id: "b" });
  b.join("s1", "bob");
  assert.deepEqual(a.accept(b.list()), []);
  assert.equal(a.numUsers, 0);
  assert.deepEqual(told(a.peerUp("b")), ["bob joined 1"]);
  assert.deepEqual(a.peerUp("b"), []);
});

test("lists of unknown servers are held within a bound, the newest of each", () => {
  const a = new Presence({ id: "a" });
  for (let i = 0; i < 100; i++) {
    a.accept({ server: { id: `x${i}` }, version: 2, users: [["s", `u${i}`]] });
    a.accept({ server: { id: `x${i}` }, version: 1, users: [["s", "old"]] });
  }
  assert.deepEqual(told(a.peerUp("x63")), ["u63 joined 1"]);
  assert.deepEqual(a.peerUp("x64"), []);
});

test("the same name twice is two users, on one server or on two", () => {
  const [a, b] = pair();
  a.join("s1", "ann");
  a.join("s2", "ann");
  b.join("s3", "ann");
  a.accept(b.list());
  assert.equal(a.numUsers, 3);
  assert.deepEqual(told([a.leave("s1")]), ["ann left 2"]);
  assert.deepEqual(names(a), ["ann@a", "ann@b"]);
});

test("someone who moves to another server is counted once when both have said so", () => {
  const [a, b] = pair();
  a.join("s1", "ann");
  b.accept(a.list());
  b.join("s9", "ann");
  a.leave("s1");
  a.accept(b.list());
  b.accept(a.list());
  assert.deepEqual(names(a), ["ann@b"]);
  assert.deepEqual(names(b), ["ann@b"]);
});

test("what a server says of itself travels along, its id too when that comes late", () => {
  const a = new Presence({ id: "a", index: 1 });
  const b = new Presence({ index: 2 });
  b.identify("b");
  a.peerUp("b");
  a.accept(b.list());
  assert.deepEqual(a.servers(), [
    { id: "a", index: 1, users: [] },
    { index: 2, id: "b", users: [] },
  ]);
});

test("a full server refuses, one more than full is not believed", () => {
  const [a, b] = pair();
  for (let i = 0; i < USERS_PER_SERVER_MAX; i++) assert.ok(b.join(`s${i}`, "u"));
  assert.equal(b.join("one more", "u"), undefined);
  const list = b.list();
  assert.equal(a.accept(list).length, USERS_PER_SERVER_MAX);
  const beyond = { ...list, version: list.version + 1, users: [...list.users, ["x", "u"]] };
  assert.deepEqual(a.accept(beyond), []);
});

test("malformed lists are ignored", () => {
  const [a] = pair();
  const good = { server: { id: "b" }, version: 1, users: [["s", "bob"]] };
  const bad = [
    undefined, null, 1, "list", [], {},
    { ...good, server: null }, { ...good, server: { id: 1 } },
    { ...good, version: "1" }, { ...good, version: -1 }, { ...good, version: NaN },
    { ...good, users: {} }, { ...good, users: [["s"]] }, { ...good, users: [["s", 1]] },
    { ...good, users: ["ss"] }, { ...good, users: [null] },
  ];
  for (const list of bad) assert.deepEqual(a.accept(list), []);
  assert.equal(a.accept(good).length, 1);
});

test("random churn over four servers with lost and repeated lists: everyone ends with the truth", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 0x7fffffff) % n;
  const ids = ["a", "b", "c", "d"];
  const servers = new Map(ids.map((id) => [id, new Presence({ id })]));
  const counted = new Map(ids.map((id) => [id, 0]));
  const tell = (id, changes) => {
    for (const change of changes) {
      counted.set(id, counted.get(id) + (change.type === "joined" ? 1 : -1));
      assert.equal(change.numUsers, counted.get(id));
    }
  };
  for (const a of ids) for (const b of ids) if (a !== b) servers.get(a).peerUp(b);
  const send = (list, lossy) => {
    for (const [id, presence] of servers) {
      if (id === list.server.id || (lossy && random(3) === 0)) continue;
      tell(id, presence.accept(list));
      if (random(5) === 0) tell(id, presence.accept(list));
    }
  };
  let next = 0;
  const live = [];
  for (let round = 0; round < 3000; round++) {
    const id = ids[random(4)];
    const presence = servers.get(id);
    if (random(20) === 0) {
      const other = ids[random(4)];
      if (other !== id) {
        tell(id, presence.peerDown(other));
        tell(id, presence.peerUp(other));
      }
    } else if (random(2) === 0 || live.length === 0) {
      live.push([id, `s${next}`]);
      tell(id, [presence.join(`s${next++}`, "u")]);
      send(presence.list(), true);
    } else {
      const [owner, user] = live.splice(random(live.length), 1)[0];
      tell(owner, [servers.get(owner).leave(user)]);
      send(servers.get(owner).list(), true);
    }
  }
  for (const presence of servers.values()) send(presence.list(), false);
  for (const presence of servers.values()) {
    assert.equal(presence.numUsers, live.length);
    assert.deepEqual(names(presence), names(servers.get("a")));
  }
});

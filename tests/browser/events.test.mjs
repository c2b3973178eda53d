// The chat's events as a program sees them, over three servers: their payloads, exact counts under
// churn and death, and bad input.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { io } from "socket.io-client";
import { Demo, until } from "./demo.mjs";

const EVENTS = ["login", "new message", "user joined", "user left", "typing", "stop typing", "notice"];

let demo;
const clients = new Set();

before(async () => {
  demo = await Demo.start();
});
after(() => demo?.stop());
afterEach(async () => {
  for (const client of clients) client.socket.disconnect();
  clients.clear();
  await until("everyone to be gone", async () => (await usersOnServers()).every((n) => n === 0));
});

async function usersOnServers() {
  const answers = await Promise.all([1, 2, 3].map((number) => demo.health(number)));
  return answers.map((health) => health?.users);
}

/** A client of server `number` that writes down what it hears. */
async function connect(number, username, options = {}) {
  const socket = io(demo.chat[number - 1], { forceNew: true, reconnection: false, ...options });
  const client = { socket, heard: [], users: undefined };
  clients.add(client);
  for (const event of EVENTS) socket.on(event, (payload) => client.heard.push([event, payload]));
  socket.on("users", (users) => (client.users = users));
  await until("a connection", () => socket.connected);
  if (username !== undefined) {
    socket.emit("add user", username);
    await until("a login", () => client.heard.some(([event]) => event === "login"));
  }
  return client;
}

const heard = (client, event) => client.heard.filter(([name]) => name === event).map(([, p]) => p);
const forget = (...some) => some.forEach((client) => (client.heard.length = 0));
const everyone = (what, probe, over = [...clients]) =>
  Promise.all(over.map((client) => until(what, () => probe(client))));

test("every event with the payload of Socket.IO's example", async () => {
  const ann = await connect(1, "ann");
  assert.deepEqual(heard(ann, "login"), [{ numUsers: 1 }]);
  const bob = await connect(2, "bob");
  await everyone("bob", (client) => client.users.numUsers === 2);
  assert.deepEqual(heard(bob, "login"), [{ numUsers: 2 }]);
  assert.deepEqual(heard(ann, "user joined"), [{ username: "bob", numUsers: 2 }]);
  assert.deepEqual(heard(bob, "user joined"), [], "nobody hears of himself");
  ann.socket.emit("typing");
  ann.socket.emit("stop typing");
  ann.socket.emit("new message", "hello");
  await until("the message", () => heard(bob, "new message").length === 1);
  assert.deepEqual(bob.heard.slice(1), [
    ["typing", { username: "ann" }],
    ["stop typing", { username: "ann" }],
    ["new message", { username: "ann", message: "hello" }],
  ]);
  assert.deepEqual(heard(ann, "new message"), [], "the sender shows its own");
  ann.socket.disconnect();
  await until("ann to leave", () => heard(bob, "user left").length === 1);
  assert.deepEqual(heard(bob, "user left"), [{ username: "ann", numUsers: 1 }]);
});

test("the list has everyone with the server", async () => {
  const ann = await connect(1, "ann");
  await connect(2, "bob");
  await connect(2, "bea");
  await until("three", () => ann.users?.numUsers === 3);
  const byServer = ann.users.servers.map(({ index, users }) => [index, users.map((u) => u.username)]);
  assert.deepEqual(byServer.sort(), [[1, ["ann"]], [2, ["bob", "bea"]], [3, []]]);
  assert.equal(ann.users.sidecar, "attached");
});

test("the same name twice, and a move to another server", async () => {
  const watcher = await connect(3, "watcher");
  const first = await connect(1, "ann");
  await connect(2, "ann");
  await everyone("three", (client) => client.users.numUsers === 3);
  first.socket.disconnect();
  clients.delete(first);
  await everyone("two", (client) => client.users.numUsers === 2);
  await connect(3, "ann");
  await everyone("three again", (client) => client.users.numUsers === 3);
  assert.deepEqual(heard(watcher, "user joined").map((p) => p.numUsers), [2, 3, 3]);
  assert.deepEqual(heard(watcher, "user left"), [{ username: "ann", numUsers: 2 }]);
});

test("polling clients take part", async () => {
  const ann = await connect(1, "ann", { transports: ["polling"] });
  const bob = await connect(3, "bob", { transports: ["polling"] });
  ann.socket.emit("new message", "by polling");
  await until("the message", () => heard(bob, "new message").length === 1);
});

test("messages of one sender keep their order, however many", async () => {
  const ann = await connect(1, "ann");
  const others = [await connect(2, "bob"), await connect(3, "cid")];
  await everyone("three", (client) => client.users.numUsers === 3);
  const sent = Array.from({ length: 500 }, (_, i) => `m${i}`);
  for (const text of sent) ann.socket.emit("new message", text);
  await everyone("all", (client) => heard(client, "new message").length >= sent.length, others);
  for (const other of others) {
    assert.deepEqual(heard(other, "new message").map(({ message }) => message), sent);
  }
});

for (const [whose, number] of [["sender", 1], ["receiver", 2]]) {
  test(`the ${whose}'s sidecar is killed under traffic: every message arrives, once, in order`, async () => {
    const ann = await connect(1, "ann");
    const others = [await connect(2, "bob"), await connect(3, "cid")];
    await everyone("three", (client) => client.users.numUsers === 3);
    const sent = Array.from({ length: 600 }, (_, i) => `m${i}`);
    let restarted;
    for (const [i, text] of sent.entries()) {
      if (i === 200) restarted = demo.killAndWait("sidecar", number);
      ann.socket.emit("new message", text);
      await sleep(3);
    }
    await restarted;
    await everyone("all", (client) => heard(client, "new message").length >= sent.length, others);
    await sleep(200);
    for (const other of others) {
      assert.deepEqual(heard(other, "new message").map(({ message }) => message), sent);
      assert.deepEqual(heard(other, "user left"), []);
    }
  });
}

test("a killed server's users leave once; counts are true again after churn in the meantime", async () => {
  const watchers = [await connect(1, "w1"), await connect(3, "w3")];
  for (let i = 0; i < 5; i++) await connect(2, `doomed${i}`);
  await everyone("seven", (client) => client.users.numUsers === 7, watchers);
  forget(...watchers);
  const restarted = demo.killAndWait("server", 2);
  const during = [];
  for (let i = 0; i < 10; i++) {
    during.push(await connect(i % 2 ? 1 : 3, `during${i}`));
    if (i % 3 === 0) during.shift().socket.disconnect();
  }
  await restarted;
  await everyone("the true count", (client) => client.users.numUsers === 2 + during.length, watchers);
  for (const watcher of watchers) {
    const left = heard(watcher, "user left").map(({ username }) => username);
    for (let i = 0; i < 5; i++) {
      assert.equal(left.filter((name) => name === `doomed${i}`).length, 1);
    }
    const net = heard(watcher, "user joined").length - left.length;
    assert.equal(7 + net, 2 + during.length, "what was told adds up");
  }
  await until("server 2 to know everyone", async () => (await usersOnServers())[1] === 2 + during.length);
  const late = await connect(2, "late");
  assert.deepEqual(heard(late, "login"), [{ numUsers: 3 + during.length }]);
});

test("users who come and go while a sidecar is away are counted when it is back", async () => {
  const [w1, w2] = [await connect(1, "w1"), await connect(2, "w2")];
  await everyone("two", (client) => client.users.numUsers === 2);
  forget(w1, w2);
  const restarted = demo.killAndWait("sidecar", 2);
  await until("the server to notice", () => w2.users.sidecar === "away");
  const gone = await connect(2, "gone");
  gone.socket.disconnect();
  const stays = await connect(2, "stays");
  await connect(1, "other");
  await restarted;
  await everyone("four", (client) => client.users.numUsers === 4, [w1, w2, stays]);
  await until("the sidecar to be back", () => w2.users.sidecar === "attached");
  assert.deepEqual(
    heard(w1, "user left").map(({ username }) => username).filter((name) => name !== "gone"), [],
    "nobody leaves for a sidecar",
  );
});

test("a sidecar that hangs for long costs its users, and gives them back when it goes on", async () => {
  const [w1, w2, w3] = [await connect(1, "w1"), await connect(2, "w2"), await connect(3, "w3")];
  await everyone("three", (client) => client.users.numUsers === 3);
  forget(w1, w2, w3);
  const hung = demo.pidOf("sidecar", 2);
  process.kill(hung, "SIGSTOP");
  await everyone("w2 to be out of reach", (client) => client.users.numUsers === 2, [w1, w3]);
  const meanwhile = await connect(2, "meanwhile");
  const elsewhere = await connect(1, "elsewhere");
  process.kill(hung, "SIGCONT");
  await everyone("five", (client) => client.users.numUsers === 5);
  for (const watcher of [w1, w3]) {
    assert.deepEqual(heard(watcher, "user left"), [{ username: "w2", numUsers: 2 }]);
  }
  meanwhile.socket.emit("new message", "over there?");
  await everyone("a message", (client) => heard(client, "new message").length === 1, [w1, w2, w3, elsewhere]);
});

test("churn without faults: every watcher's sum is the truth", async () => {
  const watchers = [await connect(1, "w1"), await connect(2, "w2"), await connect(3, "w3")];
  await everyone("three", (client) => client.users.numUsers === 3);
  forget(...watchers);
  let seed = 11;
  const random = (n) => (seed = (seed * 48271) % 0x7fffffff) % n;
  const live = [];
  for (let i = 0; i < 60; i++) {
    if (live.length > 0 && random(3) === 0) {
      live.splice(random(live.length), 1)[0].socket.disconnect();
    } else {
      live.push(await connect(1 + random(3), `u${random(10)}`));
    }
  }
  const truth = 3 + live.length;
  await everyone("the truth", (client) => client.users.numUsers === truth, watchers);
  for (const watcher of watchers) {
    const net = heard(watcher, "user joined").length - heard(watcher, "user left").length;
    assert.equal(3 + net, truth);
  }
  assert.deepEqual(await usersOnServers(), [truth, truth, truth]);
});

test("junk is refused or ignored, and nobody else notices", async () => {
  const bob = await connect(2, "bob");
  const bad = await connect(1);
  const junk = [
    undefined, null, 1, -0, NaN, true, "", "   ", "x".repeat(20_000), {}, [], [[[]]], { a: { b: 1 } },
    Buffer.from("bytes"), { toString: "no" }, { length: 5 }, "__proto__",
  ];
  for (const event of ["add user", "new message", "typing", "stop typing", "no such", "users"]) {
    if (event === "add user") {
      for (const value of junk.slice(0, -1)) bad.socket.emit(event, value);
      continue;
    }
    bad.socket.emit(event);
    for (const value of junk) bad.socket.emit(event, value, value, value);
  }
  await sleep(300);
  assert.deepEqual(heard(bad, "login"), []);
  assert.deepEqual(bob.heard.slice(1), []);
  const refusal = await bad.socket.timeout(2000).emitWithAck("new message", "who am I?");
  assert.equal(refusal.code, "login");
  assert.deepEqual(await bad.socket.timeout(2000).emitWithAck("add user", "constructor"), {
    ok: true,
    username: "constructor",
  });
  const long = await bad.socket.timeout(2000).emitWithAck("new message", "x".repeat(8001));
  assert.equal(long.code, "message");
  bad.socket.emit("add user", "somebody else");
  await until("the login", () => bob.users.numUsers === 2);
  assert.deepEqual(heard(bob, "user joined"), [{ username: "constructor", numUsers: 2 }]);
});

test("one who sends without end is cut off, the others are not", async () => {
  const bob = await connect(2, "bob");
  const bad = await connect(1, "flood");
  for (let i = 0; i < 20_000; i++) bad.socket.emit("stop typing");
  await until("it to be cut off", () => !bad.socket.connected);
  await until("it to leave", () => heard(bob, "user left").length === 1);
  const ann = await connect(1, "ann");
  ann.socket.emit("new message", "still here");
  await until("the message", () => heard(bob, "new message").length === 1);
});

test("a message too large for the transport ends that connection only", async () => {
  const bob = await connect(1, "bob");
  const bad = await connect(1, "large");
  bad.socket.emit("new message", "x".repeat(200_000));
  await until("it to be cut off", () => !bad.socket.connected);
  await until("it to leave", () => heard(bob, "user left").length === 1);
});

// The client of the chat against a real Socket.IO server whose answers the test decides.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { ChatClient } from "../chat/client.mjs";

let http, io, server, client, seen, stored, hello;

const message = (id) => ({ id, key: `k${id}`, username: "ann", message: `m${id}` });
async function until(probe) {
  for (let i = 0; i < 250; i++) {
    if (probe()) return;
    await sleep(20);
  }
  assert.fail(`waited in vain: ${probe}`);
}

beforeEach(async () => {
  http = createServer();
  io = new Server(http);
  stored = [];
  seen = [];
  hello = { name: "s1", durable: true };
  io.on("connection", (socket) => {
    server = socket;
    socket.on("add user", (_, answer) => answer({ ok: true }));
    socket.on("catch up", (cursor, answer) =>
      answer({ ok: true, messages: stored.filter(({ id }) => id > (cursor ?? 0)) }),
    );
    socket.emit("server", hello);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
});

afterEach(async () => {
  client.close();
  await io.close();
});

async function join(options = { username: "bob" }) {
  const socket = connect(`http://127.0.0.1:${http.address().port}`, { reconnectionDelay: 50, transports: ["websocket"] });
  const on = { message: ({ id, key }) => seen.push(id ?? key), up: () => {}, down: () => {} };
  client = new ChatClient(socket, on, options);
  await until(() => client.loggedIn && client.server === "s1");
}

test("durable: shown in order and once, whatever order they come in", async () => {
  await join();
  for (const id of [2, 1, 1, 3, 2]) server.emit("new message", message(id));
  await until(() => seen.length === 3);
  await sleep(100);
  assert.deepEqual(seen, [1, 2, 3]);
});

test("durable: a hole is asked for, and nothing is shown before it is filled", async () => {
  await join();
  stored = [1, 2, 3].map(message);
  server.emit("new message", message(1));
  server.emit("new message", message(3));
  await until(() => seen.length > 0);
  assert.deepEqual(seen, [1]);
  await until(() => seen.length === 3);
  assert.deepEqual(seen, [1, 2, 3]);
});

test("durable: what was missed is read after a reconnection, and what comes meanwhile is not shown twice", async () => {
  await join();
  server.emit("new message", message(1));
  await until(() => seen.length === 1);
  stored = [1, 2, 3].map(message);
  server.conn.close();
  await until(() => seen.length === 3);
  server.emit("new message", message(3));
  server.emit("new message", message(4));
  await until(() => seen.length === 4);
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test("durable: a message is sent again until it is confirmed, the next one waits, and one's own are shown", async () => {
  await join();
  const tries = [];
  server.on("new message", (text, key, answer) => {
    tries.push(key);
    answer(tries.length < 3 ? { ok: false } : { ok: true, id: tries.length - 2 });
  });
  const both = await Promise.all([client.say("a", "k1"), client.say("b", "k2")]);
  assert.deepEqual([both, tries, seen], [[true, true], ["k1", "k1", "k1", "k2"], [1, 2]]);
});

test("without ids: history first, then what came meanwhile, each once", async () => {
  hello = { name: "s1", durable: false };
  stored = [message(1), message(2)].map(({ id, ...rest }) => ({ ...rest, at: id, id }));
  io.on("connection", (socket) => {
    for (const key of ["k2", "k3"]) socket.emit("new message", { key, username: "ann", message: "m" });
  });
  await join({ username: "bob", history: true });
  await until(() => seen.length === 3);
  assert.deepEqual(seen, [1, 2, "k3"]);
});

test("without a durable history a message that is not confirmed is not sent again", async () => {
  hello = { name: "s1", durable: false };
  await join();
  let tries = 0;
  server.on("new message", (_, __, answer) => (tries += 1) && answer({ ok: false }));
  assert.equal(await client.say("a", "k1"), false);
  assert.equal(tries, 1);
});

// Recovery against a sidecar made by hand: the bytes of what it is told, and what a real one says seldom or
// never: late answers, gaps in the middle of a restore, orders to close.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { FakeConnection } from "./support/fake-connection.mjs";
import { FakeSidecar, Reader, TYPES } from "./support/fake-sidecar.mjs";
import { sleep, until } from "./support/until.mjs";
import * as wire from "./support/wire.mjs";

const require = createRequire(import.meta.url);
const { Server } = require("socket.io");
const { createAdapter } = require("../dist/index.js");
const { LateMessages, isMarked } = require("../dist/recovery-late.js");
const { LATE_MARKS_MS } = require("../dist/limits.js");
const { RememberedMessages, isFor, parseOffset } = require("../dist/recovery-messages.js");

const B = "b000000000000001";
const C = "c000000000000002";
const OP = { OPEN: 1, JOIN: 2, LEAVE: 3, DATA: 4, CLOSE: 5, END: 6, LAST: 7, RESTORE: 8, ALL_WRITTEN: 9 };
const LOGGED = 0x40;
const HOME = 0x80;
const WINDOW_MS = 400;

/** What a SESSION frame says. */
function session({ body, seq }) {
  const reader = new Reader(body.subarray(0, -8));
  const op = reader.u8();
  if (op === OP.ALL_WRITTEN) return { op, seq };
  if (op === OP.RESTORE) return { op, seq, request: reader.u32(), nsp: reader.string(), pid: reader.string(), offset: reader.string() };
  const said = { op, seq, nsp: reader.string(), sid: reader.string() };
  const names = () => Array.from({ length: reader.varint() }, () => reader.string());
  const value = () => (reader.rest().length > 0 ? JSON.parse(reader.rest()) : undefined);
  const marks = () => Array.from({ length: reader.varint() }, () => [reader.id(), reader.u64()]);
  if (op === OP.OPEN) {
    Object.assign(said, { pid: reader.string(), rooms: names(), generation: reader.u64(), marks: marks() });
    Object.assign(said, { last: reader.string(), value: value() });
  }
  else if (op === OP.JOIN || op === OP.LEAVE) said.rooms = names();
  else if (op === OP.LAST) said.offset = reader.string();
  else said.value = value();
  return said;
}

function orderOf({ body }) {
  const at = body.length - 8;
  return { attachment: body.readUInt16LE(at), delivered: body.readUIntLE(at + 2, 6) };
}

const textOf = ({ body }) => JSON.parse(new Reader(body).rest().toString("utf8", body[1] & 0x80 ? 3 : 2, body.length - 8).slice(1));

describe("recovery, told to the sidecar", () => {
  let fake;
  let io;
  let attachment;
  let logged;

  const adapter = () => io.of("/").adapter;
  const ops = () => attachment.data().filter(({ kind }) => kind === 11).map(session);
  const waitOp = (op, count = 1) => until(() => {
    const found = ops().filter((each) => each.op === op);
    return found.length >= count && found;
  }, `${count} of op ${op}`);
  const broadcasts = () => attachment.data().filter(({ kind }) => kind === 1);

  async function start({ window = WINDOW_MS, server = { connectionStateRecovery: {} }, options = {} } = {}) {
    fake = await new FakeSidecar({ window }).listen();
    const ready = fake.attachment();
    const log = (level, message) => logged.push([level, message]);
    io = new Server(createServer(), { ...server, adapter: createAdapter({ socket: fake.address, name: "me", log, ...options }) });
    attachment = await ready;
    await until(() => adapter().client.welcomed, "the welcome");
  }

  async function connect(auth) {
    const connection = new FakeConnection(io).connect(auth);
    await until(() => connection.connected, "CONNECT");
    return connection;
  }

  const ofB = (seq, text, { origin = B, room = "r", flags = LOGGED } = {}) =>
    wire.data({
      flags,
      origin,
      seq,
      route: wire.roomsRoute("/", [room]),
      body: Buffer.concat([wire.chunks(`2["n","${text}","${origin}.${seq}"]`), Buffer.alloc(flags === 0 ? 0 : 8)]),
    });

  function restored(request, { sid = "sid", rooms = ["sid", "r"], generation = 0, marks = [], value = '{"name":"Ann"}' } = {}) {
    const list = [wire.varint(marks.length), ...marks.flatMap(([origin, seq]) => [wire.id(origin), wire.u64(seq)])];
    attachment.send(
      wire.frame(0x30, wire.u32(request), 0, wire.string(sid), wire.varint(rooms.length), ...rooms.map(wire.string), wire.u64(generation), ...list, Buffer.from(value)),
    );
  }

  beforeEach(() => {
    logged = [];
  });
  afterEach(async () => {
    mock.timers.reset();
    await io.close();
    await fake.close();
  });

  it("ends ATTACH with the attachment's number, and what was taken so far", async () => {
    await start();
    const end = (bytes) => attachment.of(TYPES.ATTACH)[0].subarray(-bytes);
    assert.deepEqual([...end(4)], [1, 1, 0, 0]);
    attachment.send(ofB(7, "a"), ofB(2, "c", { origin: C }));
    await until(() => adapter().client.inbound.delivered === 2, "the deliveries");
    const again = fake.attachment();
    attachment.socket.destroy();
    attachment = await again;
    assert.deepEqual(end(36), Buffer.concat([Buffer.from([1, 2, 0, 2]), wire.id(B), wire.u64(7), wire.id(C), wire.u64(2)]));
  });

  it("gives what a client can miss an offset and an order, and nothing else", async () => {
    await start();
    const bytes = wire.data({ flags: 0, origin: C, seq: 1, route: wire.roomsRoute("/", ["nobody"]), body: wire.chunks('2["x"]') });
    attachment.send(bytes, ofB(1, "a"));
    await until(() => adapter().client.inbound.delivered === 2, "two deliveries");
    const seen = [];
    const connection = await connect();
    const socket = io.of("/").sockets.get(connection.connected.sid);
    socket.onAnyOutgoing((...args) => seen.push(args));
    await waitOp(OP.OPEN);
    const first = adapter().client.publisher.lastSeq + 1;
    const args = ["text"];
    io.emit("n", ...args);
    io.local.emit("n", 2);
    io.volatile.emit("n", "volatile");
    io.volatile.emit("n", 4);
    socket.emit("n", "ack", () => undefined);
    const frames = await until(() => broadcasts().length === 4 && broadcasts(), "the broadcasts");
    assert.deepEqual(frames.map(({ flags }) => flags), [LOGGED, LOGGED | HOME, 1, 1]);
    const member = attachment.member;
    assert.deepEqual(textOf(frames[0]), ["n", "text", `${member}.${first}`]);
    assert.deepEqual(textOf(frames[1]), ["n", 2, `${member}.${first + 1}`]);
    assert.deepEqual(orderOf(frames[0]), { attachment: 1, delivered: 2 });
    assert.deepEqual(connection.events.slice(0, 4), [["n", "text", `${member}.${first}`], ["n", 2, `${member}.${first + 1}`], ["n", "volatile", null], ["n", 4]]);
    assert.ok(connection.written.some((data) => /^2\d+\["n","ack"\]$/.test(data)));
    assert.deepEqual(seen[0], ["n", "text"]);
    assert.deepEqual(args, ["text"]);
    assert.deepEqual(seen[4], ["n", "ack"]);
  });

  it("shows listeners no offset of another server, and hides none of a value", async () => {
    await start();
    const connection = await connect();
    const socket = io.of("/").sockets.get(connection.connected.sid);
    socket.join("r");
    const seen = [];
    socket.onAnyOutgoing((...args) => seen.push(args));
    attachment.send(ofB(1, "a"));
    await until(() => connection.events.length === 1, "the event");
    assert.deepEqual(connection.events, [["n", "a", `${B}.1`]]);
    assert.deepEqual(seen, [["n", "a"]]);
  });

  it("marks in the log what can't be sent, with the offset that clients got", async () => {
    await start({ options: { maxPublishBytes: 1024 } });
    const connection = await connect();
    io.emit("large", "x".repeat(2000));
    io.emit("small");
    const gap = await until(() => attachment.data().find(({ kind }) => kind === 9), "the gap");
    assert.deepEqual([gap.flags, gap.routeKind, [...gap.body.subarray(0, -8)]], [HOME, 3, [1]]);
    assert.equal(connection.events[0].at(-1), `${attachment.member}.${gap.seq}`);
    assert.equal(connection.events[1].at(-1), `${attachment.member}.${gap.seq + 1}`);
  });

  it("numbers a message anew whose own toJSON() publishes", async () => {
    await start();
    const connection = await connect();
    let times = 0;
    io.emit("outer", { toJSON: () => (times++ === 0 && io.emit("inner"), "value") });
    const [inner, outer] = connection.events;
    assert.deepEqual([inner[0], outer[0], outer[1]], ["inner", "outer", "value"]);
    assert.equal(Number(outer[2].split(".")[1]), Number(inner[1].split(".")[1]) + 1);
    // One that never ends to do so has no offset, which is a gap to the log.
    io.emit("outer", { toJSON: () => (io.emit("inner"), "value") });
    assert.deepEqual(connection.events.at(-1), ["outer", "value"]);
  });

  it("reports deliveries behind what was published before them", async () => {
    await start();
    attachment.send(ofB(1, "a"));
    await until(() => adapter().client.inbound.delivered === 1, "the delivery");
    io.emit("n");
    await until(() => attachment.of(TYPES.TAKEN).length > 0, "the report");
    const types = attachment.frames.map(({ type }) => type);
    assert.ok(types.lastIndexOf(TYPES.DATA) < types.indexOf(TYPES.TAKEN));
  });

  it("tells of a session from its beginning to its end", async () => {
    await start();
    const listened = [];
    io.on("connection", (socket) => {
      listened.push(ops().length);
      socket.join(["r", 42]);
    });
    const connection = await connect();
    const { sid, pid } = connection.connected;
    const socket = io.of("/").sockets.get(sid);
    socket.leave("elsewhere");
    socket.leave("r");
    socket.join(42);
    socket.data.name = "Ann";
    io.emit("n", 1);
    await waitOp(OP.LAST);
    await waitOp(OP.ALL_WRITTEN, 2);
    await waitOp(OP.DATA);
    connection.lose();
    await waitOp(OP.CLOSE);
    assert.equal(io.of("/").sockets.size, 0);
    const said = ops().filter(({ op }) => op !== OP.ALL_WRITTEN).map((each) => ({ ...each, seq: 0 }));
    assert.deepEqual(said, [
      { op: OP.OPEN, seq: 0, nsp: "/", sid, pid, rooms: [sid], generation: 0, marks: [], last: "", value: {} },
      { op: OP.JOIN, seq: 0, nsp: "/", sid, rooms: ["r", "\0u:42"] },
      { op: OP.LEAVE, seq: 0, nsp: "/", sid, rooms: ["r"] },
      { op: OP.LAST, seq: 0, nsp: "/", sid, offset: connection.events[0].at(-1) },
      { op: OP.DATA, seq: 0, nsp: "/", sid, value: { name: "Ann" } },
      { op: OP.CLOSE, seq: 0, nsp: "/", sid, value: { name: "Ann" } },
    ]);
    // What is written again is not told again.
    assert.equal((await waitOp(OP.LAST)).length, 1);
  });

  it("tells the last message before the close, and END where nobody comes back", async () => {
    await start({ window: 60_000 });
    const [lost, gone] = [await connect(), await connect()];
    io.emit("n", 1);
    lost.lose();
    gone.disconnect();
    const [end] = await waitOp(OP.END);
    assert.equal(end.sid, gone.connected.sid);
    const [last, close] = ops().slice(-4).filter(({ sid }) => sid === lost.connected.sid);
    assert.deepEqual([last.op, last.offset, close.op], [OP.LAST, lost.events[0].at(-1), OP.CLOSE]);
  });

  it("tells of the offset that a client brings along into a new session", async () => {
    await start({ window: 60_000 });
    const stale = { pid: "x".repeat(129), offset: `${B}.7` };
    const [idle, busy, liar] = [await connect(stale), await connect(stale), await connect({ pid: 1, offset: "nonsense" })];
    io.of("/").sockets.get(busy.connected.sid).emit("n");
    for (const connection of [idle, busy, liar]) connection.lose();
    await waitOp(OP.CLOSE, 3);
    const lasts = ops().filter(({ op }) => op === OP.LAST).map(({ sid, offset }) => [sid, offset]);
    assert.deepEqual(lasts, [[idle.connected.sid, `${B}.7`], [busy.connected.sid, busy.events[0].at(-1)]]);
  });

  it("ends a session whose data no other server can be given", async () => {
    await start();
    const connection = await connect();
    const socket = io.of("/").sockets.get(connection.connected.sid);
    socket.data.self = socket.data;
    connection.lose();
    await waitOp(OP.END);
    assert.equal(ops().some(({ op }) => op === OP.CLOSE), false);
  });

  it("opens every session again at a new attachment, with the last message", async () => {
    await start({ window: 60_000 });
    const connection = await connect();
    const { sid } = connection.connected;
    io.emit("n", 1);
    await until(() => broadcasts().length === 1, "the message");
    const again = fake.attachment();
    attachment.socket.destroy();
    attachment = await again;
    // The first is written again, as nobody took it.
    const [, open] = await waitOp(OP.OPEN, 2);
    assert.deepEqual([open.sid, open.rooms, open.last], [sid, [sid], connection.events[0].at(-1)]);
    assert.equal(orderOf(attachment.data().findLast(({ kind }) => kind === 11)).attachment, 2);
  });

  it("tells nothing, and asks for nothing, while the sidecar's recovery is off", async () => {
    await start({ window: null });
    const first = await connect();
    const second = await connect({ pid: first.connected.pid, offset: `${B}.1` });
    assert.notEqual(second.connected.sid, first.connected.sid);
    first.lose();
    io.emit("n");
    await until(() => broadcasts().length === 1, "the message");
    assert.deepEqual(ops(), []);
    assert.equal(logged.filter(([level]) => level === "warn").length, 1);
  });

  it("is nowhere on the wire where the server has not asked for it", async () => {
    await start({ server: {} });
    const connection = await connect();
    io.emit("n", "text");
    const [frame] = await until(() => broadcasts().length > 0 && broadcasts(), "the message");
    assert.equal(frame.flags, 0);
    assert.deepEqual(connection.events, [["n", "text"]]);
    assert.deepEqual(ops(), []);
    assert.equal(adapter().client.recovery, undefined);
  });

  describe("a restore", () => {
    async function ask(auth = { pid: "pid", offset: `${B}.1` }) {
      const connection = new FakeConnection(io).connect(auth);
      const { length } = ops().filter(({ op }) => op === OP.RESTORE);
      const asked = await waitOp(OP.RESTORE, length + 1);
      return { connection, request: asked.at(-1).request, asked: asked.at(-1) };
    }

    it("gives the union of what was replayed and what was delivered meanwhile, in order", async () => {
      await start();
      const order = [];
      io.on("connection", (socket) => {
        order.push(socket.recovered, socket.data, [...socket.rooms]);
        socket.emit("welcome", 1);
      });
      const { connection, request, asked } = await ask();
      assert.deepEqual([asked.nsp, asked.pid, asked.offset], ["/", "pid", `${B}.1`]);
      attachment.send(ofB(5, "in the replay"), ofB(6, "below the mark"), ofB(7, "new"), ofB(1, "other room", { origin: C, room: "s" }));
      attachment.send(wire.frame(0x31, wire.u32(request), ofB(2, "old", { flags: 0 }), ofB(8, "too")), wire.frame(0x31, wire.u32(request), ofB(5, "in the replay")));
      await until(() => adapter().client.inbound.delivered === 4, "the deliveries");
      io.to("r").except("sid").emit("n", "excepted");
      io.to("r").emit("n", "own");
      restored(request, { marks: [[B, 6]] });
      attachment.send(ofB(8, "too"), ofB(9, "newest"));
      await until(() => connection.connected, "CONNECT");
      assert.deepEqual(connection.connected, { sid: "sid", pid: "pid" });
      assert.ok(connection.written[0].startsWith("0"));
      await until(() => connection.events.length >= 7, "the events");
      assert.deepEqual(connection.events.map(([, text]) => text), ["old", "too", "in the replay", "new", "own", "newest", 1]);
      assert.deepEqual(order, [true, { name: "Ann" }, ["sid", "r"]]);
      const [open] = await waitOp(OP.OPEN);
      assert.deepEqual([open.sid, open.pid, open.rooms, open.value], ["sid", "pid", ["sid", "r"], { name: "Ann" }]);
      attachment.send(ofB(10, "after"));
      await until(() => connection.events.at(-1)[1] === "after", "the next");
    });

    it("drops what was replayed and comes late, and only for that socket", async () => {
      await start();
      const other = await connect();
      io.of("/").sockets.get(other.connected.sid).join("r");
      const { connection, request } = await ask();
      attachment.send(wire.frame(0x31, wire.u32(request), ofB(3, "replayed"), ofB(2, "c", { origin: C })));
      restored(request, { marks: [[B, 5], [C, 2], [attachment.member, 0]] });
      await until(() => connection.connected, "CONNECT");
      attachment.send(ofB(3, "replayed"), ofB(5, "before"), ofB(1, "c0", { origin: C }), ofB(6, "new"), ofB(2, "c", { origin: C }), ofB(3, "c new", { origin: C }));
      await until(() => connection.events.length === 4, "the events");
      assert.deepEqual(connection.events.map(([, text]) => text), ["replayed", "c", "new", "c new"]);
      assert.deepEqual(other.events.map(([, text]) => text), ["replayed", "before", "c0", "new", "c", "c new"]);
      assert.equal(adapter().recovery.sessions.late.size, 0);
      await until(() => adapter().recovery.sessions.marked.size === 0, "the marks to go");
    });

    it("asks with an empty offset for a client that has none, and shows the application what it sent", async () => {
      await start();
      let seen;
      io.on("connection", (socket) => (seen = socket.handshake.auth));
      const { connection, request, asked } = await ask({ pid: "pid" });
      assert.equal(asked.offset, "");
      restored(request);
      await until(() => connection.connected, "CONNECT");
      await until(() => seen, "the connection");
      assert.deepEqual(seen, { pid: "pid" });
    });

    it("is a new session where the sidecar refuses, or the offset can be none", async () => {
      await start();
      const { connection, request } = await ask();
      attachment.send(wire.frame(0x30, wire.u32(request), 3));
      await until(() => connection.connected, "CONNECT");
      assert.notEqual(connection.connected.sid, "sid");
      for (const auth of [{ pid: "pid", offset: "x" }, { pid: "p".repeat(129), offset: "" }, { pid: "pid", offset: `${B}.${"1".repeat(17)}` }]) await connect(auth);
      assert.equal(ops().filter(({ op }) => op === OP.RESTORE).length, 1);
    });

    it("is given up after five seconds, and a late answer is declined", async () => {
      await start({ window: 3_600_000 });
      mock.timers.enable({ apis: ["setTimeout"] });
      const connection = new FakeConnection(io).connect({ pid: "pid", offset: "" });
      await new Promise((done) => setImmediate(done));
      mock.timers.tick(5001);
      mock.timers.reset();
      await until(() => connection.connected, "CONNECT");
      const [{ request }] = await waitOp(OP.RESTORE);
      assert.notEqual(connection.connected.sid, "sid");
      restored(request);
      const [end] = await waitOp(OP.END);
      assert.equal(end.sid, "sid");
    });

    it("does not outlive a gap, nor the sidecar", async () => {
      await start();
      const one = await ask();
      attachment.gap(0, 5, 2, "sidecar-a");
      await until(() => one.connection.connected, "CONNECT");
      assert.notEqual(one.connection.connected.sid, "sid");
      const two = await ask({ pid: "other", offset: "" });
      attachment.socket.destroy();
      await until(() => two.connection.connected, "CONNECT");
      assert.equal(await adapter().restoreSession("pid", ""), null, "with the sidecar away");
    });

    it("that waits for a middleware sends its client away at a gap, and again when it asks twice", async () => {
      await start({ server: { connectionStateRecovery: { skipMiddlewares: false } } });
      const waiting = [];
      io.use((socket, next) => waiting.push(next));
      const one = await ask();
      restored(one.request);
      await until(() => waiting.length === 1, "the middleware");
      attachment.gap(0, 5, 2, "sidecar-a");
      await until(() => one.connection.readyState === "closed", "the connection to close");
      await waitOp(OP.END);
      const two = await ask();
      restored(two.request);
      await until(() => waiting.length === 2, "the middleware");
      const three = await ask();
      assert.equal(two.connection.readyState, "closed");
      await waitOp(OP.END, 2);
      restored(three.request);
      await until(() => waiting.length === 3, "the middleware");
      // The middlewares of those that are gone end late, and touch nothing.
      waiting[0]();
      waiting[1](new Error("no"));
      await sleep(5);
      assert.deepEqual([...adapter().socketRooms("sid")], ["sid", "r"]);
      waiting[2]();
      await until(() => three.connection.connected, "CONNECT");
      assert.equal(io.of("/").sockets.get("sid").recovered, true);
      assert.equal(io.of("/")._preConnectSockets.size, 0);
    });

    it("closes the socket first that has the session here", async () => {
      await start();
      const old = await connect();
      const { sid, pid } = old.connected;
      const { connection, request } = await ask({ pid, offset: "" });
      assert.equal(old.readyState, "closed");
      const said = ops().map(({ op }) => op).filter((op) => op !== OP.ALL_WRITTEN);
      assert.deepEqual(said, [OP.OPEN, OP.CLOSE, OP.RESTORE]);
      restored(request, { sid, rooms: [sid] });
      await until(() => connection.connected, "CONNECT");
      assert.equal(io.of("/").sockets.size, 1);
    });

    it("is told again as it was, at a new attachment", async () => {
      await start({ window: 60_000 });
      const { connection, request } = await ask();
      restored(request, { generation: 3, marks: [[B, 9]] });
      await until(() => connection.connected, "CONNECT");
      const again = fake.attachment();
      attachment.socket.destroy();
      attachment = await again;
      const [, open] = await waitOp(OP.OPEN, 2);
      assert.deepEqual([open.sid, open.generation, open.marks, open.last], ["sid", 3, [[B, 9]], `${B}.1`]);
    });

    it("that is not connected yet is closed by order, too", async () => {
      await start({ server: { connectionStateRecovery: { skipMiddlewares: false } } });
      io.use((socket, next) => setTimeout(next, 100));
      const { connection, request } = await ask();
      restored(request);
      await until(() => io.of("/")._preConnectSockets.size === 1, "the socket");
      attachment.send(wire.frame(0x32, wire.string("/"), wire.string("sid")));
      await waitOp(OP.END);
      assert.equal(connection.readyState, "closed");
      assert.deepEqual(ops().map(({ op }) => op).filter((op) => op === OP.OPEN || op === OP.CLOSE), []);
    });

    it("with a broken value is a broken frame and a new session", async () => {
      await start();
      const { connection, request } = await ask();
      restored(request, { value: "{" });
      await until(() => connection.connected, "CONNECT");
      assert.notEqual(connection.connected.sid, "sid");
      assert.equal((await waitOp(OP.END))[0].sid, "sid");
      assert.equal(adapter().client.inbound.broken, 1);
    });
  });

  it("closes a socket by order, and says so where there is none", async () => {
    await start();
    const connection = await connect();
    const { sid } = connection.connected;
    attachment.send(wire.frame(0x32, wire.string("/"), wire.string(sid)));
    await waitOp(OP.CLOSE);
    assert.equal(connection.readyState, "closed");
    attachment.send(wire.frame(0x32, wire.string("/"), wire.string(sid)), wire.frame(0x32, wire.string("/none"), wire.string("x")));
    const closes = await waitOp(OP.CLOSE, 3);
    assert.deepEqual(closes.map(({ nsp, value }) => [nsp, value]), [["/", {}], ["/", undefined], ["/none", undefined]]);
  });

  it("keeps out clients of the older protocol, which are told no pid", async () => {
    await start();
    const old = new FakeConnection(io, { protocol: 3 }).connect();
    await until(() => io.of("/").sockets.size === 1, "the socket");
    old.lose();
    io.emit("n");
    await until(() => broadcasts().length === 1, "the message");
    assert.deepEqual(ops(), []);
  });
});

describe("remembered messages", () => {
  const opts = (rooms, except = []) => ({ rooms: new Set(rooms), except: new Set(except) });
  const never = () => false;

  it("are for rooms, without those that are excepted", () => {
    const rooms = new Set(["sid", "r", 42]);
    assert.equal(isFor(opts([]), rooms), true);
    assert.equal(isFor(opts(["r", "s"]), rooms), true);
    assert.equal(isFor(opts([42]), rooms), true);
    assert.equal(isFor(opts(["42"]), rooms), false);
    assert.equal(isFor(opts([], ["sid"]), rooms), false);
    assert.equal(isFor({ rooms: new Set() }, rooms), true);
  });

  it("are numbered for ever, and forgotten from the oldest on", () => {
    const messages = new RememberedMessages();
    for (let i = 0; i < 100; i++) messages.push({ origin: B, seq: i }, opts(["r"]), ["text"]);
    const { bytes } = messages;
    messages.forget(40);
    assert.equal(messages.bytes, bytes, "it is not worth it yet");
    messages.forget(60);
    assert.equal(messages.bytes, bytes * 0.4);
    assert.deepEqual(messages.since(98, new Set(["r"]), never).map(({ id }) => id.seq), [98, 99]);
    assert.equal(messages.end, 100);
    messages.forget(100);
    assert.equal(messages.bytes, 0);
    assert.equal(messages.end, 100);
  });

  it("keep binary of their own", () => {
    const messages = new RememberedMessages();
    const bytes = Buffer.from([1]);
    messages.push({ origin: B, seq: 1 }, opts([]), ["51-", bytes]);
    bytes[0] = 9;
    assert.deepEqual(messages.since(0, new Set(), never)[0].chunks, ["51-", Buffer.from([1])]);
  });

  it("have offsets that are parsed strictly", () => {
    assert.deepEqual(parseOffset(`${B}.12`), { origin: B, seq: 12 });
    for (const text of ["", "x", `${B}`, `${B}.`, `${B}.-1`, `${B.toUpperCase()}.1`, ` ${B}.1`, `${B}.1\n`]) assert.equal(parseOffset(text), undefined);
  });
});

describe("late messages", () => {
  const id = (origin, seq) => ({ origin, seq });
  const marks = (...entries) => new Map(entries);

  it("concern an origin until it is past its marks", () => {
    const late = new LateMessages();
    late.expect(marks([B, 5], [C, 9]), (origin) => (origin === C ? 9 : 4), 0);
    assert.equal(late.size, 1, "all of C has come");
    late.expect(marks([B, 3]), () => 0, 0);
    assert.equal(late.concerns(id(B, 5)), true);
    assert.equal(late.concerns(id(C, 1)), false);
    assert.equal(late.concerns(id(B, 6)), false);
    assert.equal(late.size, 0);
  });

  it("are not waited for without end", () => {
    const late = new LateMessages();
    late.expect(marks([B, 5]), () => 0, 1000);
    late.sweep(999 + LATE_MARKS_MS);
    assert.equal(late.size, 1);
    late.sweep(1000 + LATE_MARKS_MS);
    assert.equal(late.size, 0);
  });

  it("are those at or below the mark", () => {
    assert.deepEqual([4, 5, 6].map((seq) => isMarked(marks([B, 5]), id(B, seq))), [true, true, false]);
    assert.equal(isMarked(undefined, id(B, 1)), false);
    assert.equal(isMarked(marks(), id(B, 1)), false);
  });
});

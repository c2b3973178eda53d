// The adapter against a sidecar made by hand: exact bytes, hostile frames, refusals, answers held back.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { FakeSidecar, Reader, TYPES } from "./support/fake-sidecar.mjs";
import { sleep, until } from "./support/until.mjs";
import * as wire from "./support/wire.mjs";

const require = createRequire(import.meta.url);
const { Server } = require("socket.io");
const { Adapter } = require("socket.io-adapter");
const { createAdapter, SocketMeshAdapter } = require("../dist/index.js");
const { encodeValue, decodeValue } = require("../dist/values.js");

const B = "b000000000000001";
const C = "c000000000000002";
const D = "d000000000000003";
const KIND = { BROADCAST: 1, ACK: 2, JOIN: 3, LEAVE: 4, DISCONNECT: 5, FETCH: 6, SSE: 7, RESPONSE: 8, GAP: 9, JOINED: 10 };

describe("the app protocol", () => {
  let fake;
  let io;
  let attachment;
  let events;
  let logged;

  const adapter = (nsp = "/") => io.of(nsp).adapter;
  const listen = (nsp = "/") => {
    for (const event of ["attached", "detached", "refused", "gap", "peer-up", "peer-down", "protocol-error", "unsendable"]) {
      adapter(nsp).on(event, (detail) => events.push([event, detail]));
    }
  };
  const of = (event) => events.filter(([name]) => name === event).map(([, detail]) => detail);

  function start(options = {}, server = {}) {
    const log = (level, message) => logged.push([level, message]);
    io = new Server(createServer(), { ...server, adapter: createAdapter({ socket: fake.address, name: "me", log, ...options }) });
    listen();
  }

  async function attach(options, server) {
    const ready = fake.attachment();
    start(options, server);
    attachment = await ready;
    await until(() => of("attached").length > 0, "the welcome");
    return attachment;
  }

  /** What the client of a stand-in socket would be sent. */
  function addSocket(id, rooms = [], nsp = "/") {
    const written = [];
    const socket = {
      id,
      acks: new Map(),
      rooms: new Set([id, ...rooms]),
      handshake: { address: "here", sessionStore: {} },
      data: { of: id },
      written,
      client: { writeToEngine: (packets, options) => written.push({ packets, options }) },
      join: (more) => adapter(nsp).addAll(id, new Set([].concat(more))),
      leave: (room) => adapter(nsp).del(id, room),
      disconnect: (close) => written.push({ disconnect: close }),
    };
    io.of(nsp).sockets.set(id, socket);
    void adapter(nsp).addAll(id, new Set([id, ...rooms]));
    return socket;
  }

  const broadcast = (seq, text, { origin = B, ...rest } = {}) =>
    wire.data({ origin, seq, routeKind: 1, route: wire.namespaceRoute("/"), body: wire.chunks(text), ...rest });

  const response = (request, value, { seq, origin = B, part = 1 }) =>
    wire.data({
      origin, seq, routeKind: 2, kind: KIND.RESPONSE,
      route: Buffer.concat([wire.id(attachment.member), wire.namespaceRoute("/")]),
      body: Buffer.concat([wire.u64(request), Buffer.from([part]), encodeValue(value)]),
    });

  beforeEach(async () => {
    fake = await new FakeSidecar().listen();
    events = [];
    logged = [];
  });

  afterEach(async () => {
    for (const nsp of io?._nsps.values() ?? []) {
      nsp.sockets.clear();
      await nsp.adapter.close();
    }
    await fake.close();
  });

  describe("attaching", () => {
    it("says who it is, where it is, and what it wants, at once", async () => {
      fake.welcome = false;
      start({ mesh: "chat" });
      io.of("/other");
      addSocket("s1", ["r"]);
      const [connection] = await Promise.all([new Promise((done) => fake.once("connection", done)), fake.attachment()]);
      const attach = new Reader(connection.of(TYPES.ATTACH)[0], 1);
      assert.deepEqual([attach.u8(), attach.u8()], [1, 1]);
      assert.match(attach.id(), /^[0-9a-f]{16}$/);
      assert.deepEqual([attach.string(), attach.string(), attach.string(), attach.varint()], ["me", "socket.io-parser@5", "chat", 0]);
      assert.equal(attach.rest().length, 0);
      assert.deepEqual(connection.frames.map(({ type }) => type), [TYPES.ATTACH, TYPES.NSP_OPEN, TYPES.INTEREST, TYPES.NSP_OPEN, TYPES.READY]);
      const interest = new Reader(connection.of(TYPES.INTEREST)[0], 1);
      assert.deepEqual([interest.string(), interest.varint(), interest.u8(), interest.string(), interest.u8(), interest.string()], ["/", 2, 1, "s1", 1, "r"]);
      assert.equal(of("attached").length, 0);
      connection.sendWelcome();
      await until(() => of("attached").length === 1, "the event");
      assert.deepEqual(of("attached")[0], { member: connection.member, sidecar: "sidecar-a", mesh: "chat" });
    });

    it("tells namespaces that come and go, and leaves with the last one", async () => {
      await attach();
      io.of("/later");
      await attachment.waitFor(() => attachment.of(TYPES.NSP_OPEN).length === 2, "the open");
      await adapter("/later").close();
      io._nsps.delete("/later");
      await attachment.waitFor(() => attachment.of(TYPES.NSP_CLOSE).length === 1, "the close");
      io.emit("last words");
      await adapter().close();
      const types = attachment.frames.map(({ type }) => type);
      assert.ok(types.includes(TYPES.DATA));
      assert.equal(types.at(-1), TYPES.DETACH);
      assert.equal(of("detached").length, 0);
    });

    it("logs a refusal once, tells of it, and tries again slowly", async () => {
      fake.welcome = false;
      fake.on("connection", (connection) => connection.on("frame", (type) => type === TYPES.READY && connection.refuse(2, "mesh is blue")));
      start();
      await until(() => of("refused").length === 1, "the refusal");
      assert.deepEqual(of("refused")[0], { code: 2, message: "mesh is blue" });
      await sleep(700);
      assert.equal(fake.attachments.length, 1);
      assert.equal(logged.filter(([level]) => level === "error").length, 1);
      assert.equal(of("detached").length, 0);
    });

    it("waits for a sidecar that is not there, and complains once", async () => {
      await fake.die();
      start();
      await sleep(300);
      assert.equal(logged.filter(([level]) => level === "warn").length, 1);
      fake.server = fake.server.listen(fake.path);
      await until(() => of("attached").length === 1, "the attachment");
    });

    it("cuts a sidecar that does not welcome it, or falls silent, and tries another time", async () => {
      mock.timers.enable({ apis: ["setInterval"] });
      try {
        fake.welcome = false;
        start();
        const first = await new Promise((done) => fake.once("attachment", done));
        const second = fake.attachment();
        mock.timers.tick(5000);
        fake.welcome = true;
        await second;
        assert.ok(first.socket.destroyed || first.socket.readableEnded || (await new Promise((done) => first.socket.once("close", () => done(true)))));
        await until(() => of("attached").length === 1, "the welcome");
        mock.timers.tick(7500);
        await sleep(50);
        assert.equal(of("detached").length, 0);
        mock.timers.tick(2500);
        await until(() => of("detached").length === 1, "the cut");
        assert.deepEqual(of("detached"), [{ reason: "the sidecar is silent" }]);
      } finally {
        mock.timers.reset();
      }
    });

    it("answers pings", async () => {
      await attach();
      attachment.send(wire.frame(0x2a, wire.u64(0x1234567890ab)));
      const [pong] = await attachment.waitFor(() => attachment.of(TYPES.PONG).length > 0 && attachment.of(TYPES.PONG), "the pong");
      assert.equal(new Reader(pong, 1).u64(), 0x1234567890ab);
    });
  });

  describe("publishing", () => {
    it("writes the frame that the protocol says", async () => {
      await attach();
      io.to(["a", "b"]).except("c").volatile.compress(true).emit("e", Buffer.from("x"));
      const [frame] = await attachment.waitData(KIND.BROADCAST);
      assert.equal(frame.origin, attachment.member);
      assert.equal(frame.seq, 1);
      assert.equal(frame.flags, 0x01 | 0x08 | 0x10);
      assert.equal(frame.routeKind, 0);
      assert.deepEqual(frame.route, wire.roomsRoute("/", ["a", "b"], ["c"]));
      assert.deepEqual(frame.body, wire.chunks('51-["e",{"_placeholder":true,"num":0}]', Buffer.from("x")));
    });

    it("delivers locally in the turn of the call, in the same bytes, without a sidecar", async () => {
      await fake.die();
      start();
      const socket = addSocket("s1");
      io.emit("now", "ü");
      assert.deepEqual(socket.written[0].packets, ['2["now","ü"]']);
      const [frame] = socket.written[0].options.wsPreEncodedFrame;
      const text = Buffer.from('42["now","ü"]');
      assert.deepEqual(frame, Buffer.concat([Buffer.from([0x81, text.length]), text]));
    });

    it("encodes once", async () => {
      await attach();
      addSocket("s1");
      let encoded = 0;
      const encode = io.encoder.encode;
      io.encoder.encode = function (packet) {
        encoded++;
        return encode.call(this, packet);
      };
      io.emit("once");
      assert.equal(encoded, 1);
    });

    it("keeps publishes until TAKEN, and writes them again at the next attachment", async () => {
      await attach();
      for (let i = 1; i <= 5; i++) io.emit(`m${i}`);
      await attachment.waitData(KIND.BROADCAST, 5);
      attachment.taken(2);
      await until(() => adapter().client.outbox.taken === 2, "TAKEN");
      const again = fake.attachment();
      attachment.socket.destroy();
      await until(() => of("detached").length === 1, "the loss");
      io.volatile.emit("v");
      io.emit("m6");
      attachment = await again;
      const frames = await attachment.waitData(KIND.BROADCAST, 4);
      assert.deepEqual(frames.map(({ seq }) => seq), [3, 4, 5, 6]);
    });

    it("writes interest before the data of the same turn", async () => {
      await attach();
      io.emit("first");
      void adapter().addAll("s9", new Set(["new room"]));
      await attachment.waitData(KIND.BROADCAST);
      const types = attachment.frames.map(({ type }) => type);
      assert.ok(types.indexOf(TYPES.INTEREST) < types.indexOf(TYPES.DATA));
    });

    it("tells of a message that is too large, and delivers it locally", async () => {
      await attach({ maxPublishBytes: 2000 });
      const socket = addSocket("s1");
      io.emit("big", "x".repeat(3000));
      io.emit("small");
      const frames = await attachment.waitData(KIND.BROADCAST);
      assert.deepEqual(frames.map(({ seq }) => seq), [1]);
      assert.equal(socket.written.length, 2);
      assert.match(of("unsendable")[0].reason, /2000 bytes/);
    });
  });

  describe("receiving", () => {
    it("delivers once, in order, and drops what it has taken before, also over attachments", async () => {
      await attach();
      const socket = addSocket("s1");
      attachment.send(broadcast(1, "2[1]"), broadcast(3, "2[3]"), broadcast(3, "2[3]"), broadcast(2, "2[2]"), broadcast(1, "2[1]", { origin: C }));
      await until(() => socket.written.length === 3, "three");
      const again = fake.attachment();
      attachment.socket.destroy();
      attachment = await again;
      attachment.send(broadcast(3, "2[3]"), broadcast(4, "2[4]"));
      await until(() => socket.written.length === 4, "the fourth");
      assert.deepEqual(socket.written.map(({ packets }) => packets[0]), ["2[1]", "2[3]", "2[1]", "2[4]"]);
      assert.equal(adapter().client.inbound.duplicates, 3);
    });

    it("gives the in-memory adapter the shipped bytes as a WebSocket frame, of any length", async () => {
      await attach();
      const socket = addSocket("s1");
      const texts = ["2[1]", `2["${"x".repeat(200)}"]`, `2["${"ü".repeat(70_000)}"]`];
      attachment.send(...texts.map((text, i) => broadcast(i + 1, text)));
      await until(() => socket.written.length === 3, "three");
      const { Sender } = require("ws");
      for (const [i, { packets, options }] of socket.written.entries()) {
        assert.deepEqual(packets, [texts[i]]);
        const expected = Sender.frame(Buffer.from(`4${texts[i]}`), { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true });
        assert.deepEqual(Buffer.concat(options.wsPreEncodedFrame), Buffer.concat(expected));
      }
    });

    it("decodes only where something asks, and gives binary memory of its own", async () => {
      await attach();
      const socket = addSocket("s1");
      const data = [];
      socket.notifyOutgoingListeners = (packet) => data.push(packet.data);
      attachment.send(
        wire.data({ origin: B, seq: 1, routeKind: 1, route: wire.namespaceRoute("/"), body: wire.chunks('51-["b",{"_placeholder":true,"num":0}]', Buffer.from("abc")) }),
        broadcast(2, '2["later"]'),
      );
      await until(() => data.length === 2, "both");
      assert.deepEqual(data, [["b", Buffer.from("abc")], ["later"]]);
      assert.equal(socket.written[0].packets[1].toString(), "abc");
    });

    it("lets a subclass see, change and drop what arrives", async () => {
      const seen = [];
      class Mine extends SocketMeshAdapter {
        deliver(packet, opts, origin, seq) {
          seen.push([packet.data, [...opts.rooms], opts.flags, origin, seq]);
          if (seq !== 2) super.deliver(packet, opts, origin, seq);
        }
      }
      await attach({ adapterClass: Mine });
      const socket = addSocket("s1", ["r"]);
      for (const seq of [1, 2, 3]) {
        attachment.send(wire.data({ flags: 9, origin: B, seq, route: wire.roomsRoute("/", ["r"], ["x"]), body: wire.chunks(`2[${seq}]`) }));
      }
      await until(() => socket.written.length === 2, "two of three");
      assert.ok(adapter() instanceof Mine && adapter() instanceof Adapter);
      assert.deepEqual(seen[1], [[2], ["r"], { volatile: true, compress: false }, B, 2]);
    });

    it("reports what it has taken: soon, and before its own data", async () => {
      await attach();
      attachment.send(broadcast(1, "2[1]"), broadcast(2, "2[2]"));
      const [report] = await attachment.waitFor(() => attachment.of(TYPES.TAKEN).length > 0 && attachment.of(TYPES.TAKEN), "the report");
      assert.equal(new Reader(report, 1).u64(), 2);
      attachment.gap(10, 4, 2, "link to x");
      attachment.send(broadcast(3, "2[3]"));
      await until(() => adapter().client.inbound.received === 3, "the third");
      io.emit("own");
      await attachment.waitData(KIND.BROADCAST);
      assert.equal(new Reader(attachment.of(TYPES.TAKEN).at(-1), 1).u64(), 13);
      const types = attachment.frames.map(({ type }) => type);
      assert.ok(types.lastIndexOf(TYPES.TAKEN) < types.lastIndexOf(TYPES.DATA));
      assert.deepEqual(of("gap"), [{ messages: 4, reason: "link window full", where: "link to x" }]);
    });

    it("passes on a publisher's own gap", async () => {
      await attach();
      attachment.send(wire.data({ origin: B, seq: 7, routeKind: 3, kind: KIND.GAP, route: Buffer.alloc(0), body: wire.varint(300) }));
      await until(() => of("gap").length === 1, "the gap");
      assert.deepEqual(of("gap")[0], { messages: 300, reason: "the publisher could not keep them", where: B });
    });

    it("throws a listener's exception where it is an uncaught one, and goes on", async () => {
      await attach();
      const socket = addSocket("s1");
      socket.notifyOutgoingListeners = (packet) => {
        if (packet.data[0] === 1) throw new Error("the application's");
      };
      const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
      attachment.send(broadcast(1, "2[1]"), broadcast(2, "2[2]"));
      const error = await uncaught;
      process.setUncaughtExceptionCaptureCallback(null);
      assert.equal(error.message, "the application's");
      await until(() => socket.written.length === 1, "the second");
      assert.equal(adapter().client.deliveries.active, false);
    });
  });

  describe("hostile frames", () => {
    const route = wire.namespaceRoute("/");
    const inside = {
      "a route that is longer than the frame": () => wire.frame(0x40, 0, 1, 1, wire.u32(1e6), wire.id(B), wire.u64(1), route),
      "a DATA frame without a header": () => wire.frame(0x40, 1, 2),
      "an unknown route kind": () => wire.data({ origin: B, seq: 1, routeKind: 9, route, body: wire.chunks("2[1]") }),
      "an unknown kind": () => wire.data({ origin: B, seq: 1, routeKind: 1, kind: 99, route, body: Buffer.alloc(3) }),
      "chunks that are longer than the body": () => wire.data({ origin: B, seq: 1, routeKind: 1, route, body: Buffer.from([1, 200, 200, 1]) }),
      "chunks by the million": () => wire.data({ origin: B, seq: 1, routeKind: 1, route, body: Buffer.from([255, 255, 255, 15, 0]) }),
      "an empty body": () => wire.data({ origin: B, seq: 1, routeKind: 1, route, body: Buffer.alloc(0) }),
      "a packet with an ack that is no packet": () => wire.data({ origin: B, seq: 1, routeKind: 1, kind: KIND.ACK, route, body: wire.chunks("9nonsense") }),
      "a serverSideEmit that is no list": () => wire.data({ origin: B, seq: 1, routeKind: 1, kind: KIND.SSE, route, body: Buffer.from('{"a":1}') }),
      "a serverSideEmit of a reserved event": () => wire.data({ origin: B, seq: 1, routeKind: 1, kind: KIND.SSE, route, body: Buffer.from('["connection",{}]') }),
      "a response without a value": () => wire.data({ origin: B, seq: 1, routeKind: 1, kind: KIND.RESPONSE, route, body: wire.u64(1) }),
      "rooms that are missing": () => wire.data({ origin: B, seq: 1, routeKind: 1, kind: KIND.JOIN, route, body: Buffer.from([3, 1, 65]) }),
    };
    for (const [what, make] of Object.entries(inside)) {
      it(`drop ${what}, and go on`, async () => {
        await attach();
        const socket = addSocket("s1");
        io.of("/").on("connection", () => assert.fail("a reserved event"));
        attachment.send(make(), broadcast(2, "2[2]"));
        await until(() => socket.written.length === 1, "the next frame");
        assert.equal(of("protocol-error").length, 1);
        assert.equal(adapter().client.inbound.broken, 1);
        const report = await attachment.waitFor(() => attachment.of(TYPES.TAKEN).at(-1), "the report");
        assert.equal(new Reader(report, 1).u64(), 2, "it was taken");
      });
    }

    const outside = {
      "a length of nothing": () => wire.u32(0),
      "a length beyond the limit": () => wire.u32(21 * 1024 * 1024),
      "an unknown type": () => wire.frame(0x77, 1, 2, 3),
      "a MEMBER_UP with a million namespaces": () => wire.frame(0x23, wire.id(B), wire.string("s"), wire.string("n"), wire.varint(1e6)),
      "a ROUTED that is cut off": () => wire.frame(0x26, wire.u64(1), wire.varint(2), wire.id(B)),
    };
    for (const [what, make] of Object.entries(outside)) {
      it(`cut the connection at ${what}, and attach again`, async () => {
        await attach();
        attachment.send(make());
        await until(() => of("attached").length === 2, "the next attachment");
        assert.equal(of("protocol-error").length, 1);
        assert.equal(of("detached").length, 1);
      });
    }

    it("give clients text that is not UTF-8 as text that is", async () => {
      await attach();
      const socket = addSocket("s1");
      attachment.send(wire.data({ origin: B, seq: 1, routeKind: 1, route, body: Buffer.from([1, 6, 0x32, 0xff, 0xfe]) }));
      await until(() => socket.written.length === 1, "the packet");
      assert.equal(socket.written[0].options.wsPreEncodedFrame, undefined);
      assert.deepEqual(socket.written[0].packets, ["2\ufffd\ufffd"]);
    });

    it("of packets that can't be decoded hurt nobody", async () => {
      await attach();
      const socket = addSocket("s1");
      const data = [];
      socket.notifyOutgoingListeners = (packet) => data.push(packet.data);
      attachment.send(broadcast(1, "2{nonsense"), broadcast(2, '2["ok"]'));
      await until(() => data.length === 2, "both");
      assert.deepEqual(data, [[], ["ok"]]);
      assert.equal(of("protocol-error").length, 1);
    });
  });

  describe("peers and requests", () => {
    it("come, change namespaces and go as events", async () => {
      await attach();
      attachment.memberUp(B, ["/x"]);
      attachment.presence(B, 1, "/");
      attachment.memberUp(C, ["/"], "sidecar-c");
      await until(async () => (await adapter().serverCount()) === 3, "both");
      attachment.presence(B, 0, "/");
      attachment.memberDown(C, 3);
      await until(async () => (await adapter().serverCount()) === 1, "neither");
      assert.deepEqual(of("peer-up").map(({ id }) => id), [B, C]);
      assert.deepEqual(of("peer-down").map(({ id, reason }) => [id, reason]), [[B, "left"], [C, "unreachable"]]);
      assert.deepEqual(of("peer-up")[1], { id: C, name: "host:c000", sidecar: "sidecar-c" });
    });

    it("are listed to the next sidecar", async () => {
      await attach();
      attachment.memberUp(B);
      attachment.memberUp(C);
      await until(async () => (await adapter().serverCount()) === 3, "both");
      attachment.memberUp(D, ["/"], "sidecar-a");
      await until(async () => (await adapter().serverCount()) === 4, "its sibling");
      const again = fake.attachment();
      attachment.socket.destroy();
      attachment = await again;
      const attach2 = new Reader(attachment.of(TYPES.ATTACH)[0], 3);
      attach2.id();
      for (let i = 0; i < 3; i++) attach2.string();
      assert.equal(attach2.varint(), 2);
      assert.deepEqual([attach2.string(), attach2.varint(), attach2.id(), attach2.id()], ["sidecar-b", 2, B, C]);
      assert.deepEqual([attach2.string(), attach2.varint(), attach2.id()], ["sidecar-a", 1, D], "that of its own sidecar, too");
      assert.equal(await adapter().serverCount(), 4, "they stay until the sidecar says otherwise");
    });

    it("counts exactly serverCount() times for an acknowledged broadcast", async () => {
      await attach();
      attachment.memberUp(B);
      attachment.memberUp(C);
      attachment.memberUp("d000000000000003");
      await until(async () => (await adapter().serverCount()) === 4, "all");
      const counts = [];
      const values = [];
      adapter().broadcastWithAck({ type: 2, data: ["q"] }, { rooms: new Set(["r"]), except: new Set(), flags: { timeout: 2000 } }, (n) => counts.push(n), (v) => values.push(v));
      const [request] = await attachment.waitData(KIND.ACK);
      assert.equal(request.flags, 0x02);
      assert.deepEqual(request.body, Buffer.concat([wire.chunks('2["q"]'), wire.varint(2000)]));
      assert.deepEqual(counts, [0], "its own");
      // B and C are asked, and one that came later; D is not.
      attachment.routed(request.seq, [B, C, "e000000000000004"]);
      attachment.send(
        response(request.seq, "b1", { seq: 1, part: 0 }),
        response(request.seq, "stranger", { seq: 1, part: 0, origin: "e000000000000004" }),
        response(request.seq, 5, { seq: 2, origin: "e000000000000004" }),
        response(request.seq, 1, { seq: 2 }),
        response(request.seq, "c1", { seq: 1, part: 0, origin: C }),
      );
      await until(() => values.length === 2, "the answers");
      assert.deepEqual(counts, [0, 0, 1]);
      attachment.memberDown(C);
      await until(() => counts.length === 4, "the death");
      assert.deepEqual(counts, [0, 0, 1, 1], "with the client that had answered");
      assert.deepEqual(values, ["b1", "c1"]);
      assert.equal(adapter().client.requests.size, 0);
    });

    it("answers an acknowledged broadcast: each client at once, then the count", async () => {
      await attach();
      const sockets = [addSocket("s1"), addSocket("s2")];
      attachment.send(wire.data({ flags: 2, origin: B, seq: 5, routeKind: 1, kind: KIND.ACK, route: wire.namespaceRoute("/"), body: Buffer.concat([wire.chunks('2["q"]'), wire.varint(5000)]) }));
      await until(() => sockets.every(({ written }) => written.length === 1), "the packets");
      const id = [...sockets[0].acks.keys()][0];
      assert.deepEqual(sockets[0].written[0].packets, [`2${id}["q"]`]);
      sockets[0].acks.get(id)("one");
      const [first] = await attachment.waitData(KIND.RESPONSE, 1);
      sockets[1].acks.get(id)(Buffer.from("two"));
      const all = await attachment.waitData(KIND.RESPONSE, 3);
      const parse = ({ body }) => [body.readUInt32LE(0), body[8], decodeValue(body, 9, body.length)];
      assert.deepEqual(parse(first), [5, 0, "one"]);
      assert.deepEqual(all.slice(1).map(parse), [[5, 0, Buffer.from("two")], [5, 1, 2]]);
      assert.deepEqual(all[0].route, Buffer.concat([wire.id(B), wire.namespaceRoute("/")]));
    });

    it("forgets what clients did not answer in time", async () => {
      await attach();
      const socket = addSocket("s1");
      attachment.send(wire.data({ flags: 2, origin: B, seq: 5, routeKind: 1, kind: KIND.ACK, route: wire.namespaceRoute("/"), body: Buffer.concat([wire.chunks('2["q"]'), wire.varint(50)]) }));
      await until(() => socket.acks.size === 1, "the request");
      await until(() => socket.acks.size === 0, "its end");
    });

    it("answers SOCKETS_JOIN after its interest, also for a namespace that is not here", async () => {
      await attach();
      const socket = addSocket("s1");
      const join = (seq, nsp) => wire.data({ flags: 4, origin: B, seq, kind: KIND.JOIN, route: wire.roomsRoute(nsp, [], [], ["new"]), body: Buffer.concat([wire.varint(1), wire.string("new")]) });
      attachment.send(join(3, "/"), join(4, "/nowhere"));
      const joined = await attachment.waitData(KIND.JOINED, 2);
      assert.deepEqual(joined.map(({ flags, routeKind, body }) => [flags, routeKind, body.readUInt32LE(0)]), [[0x20, 2, 3], [0x20, 2, 4]]);
      assert.deepEqual(joined[0].route, Buffer.concat([wire.id(B), wire.namespaceRoute("/")]));
      assert.ok(adapter().rooms.has("new") && socket.id === "s1");
      const interest = attachment.frames.findLastIndex(({ type }) => type === TYPES.INTEREST);
      assert.ok(interest < attachment.frames.findIndex(({ type }) => type === TYPES.DATA));
      assert.ok(attachment.frames[interest].bytes.includes("new"));
    });

    it("fetches sockets in parts, and describes its own", async () => {
      await attach();
      attachment.memberUp(B);
      await until(async () => (await adapter().serverCount()) === 2, "B");
      addSocket("s1", ["r"]);
      const fetched = io.in("r").fetchSockets();
      const [request] = await attachment.waitData(KIND.FETCH);
      assert.deepEqual(request.route, wire.roomsRoute("/", ["r"]));
      const remote = (id) => ({ id, rooms: [id], handshake: {}, data: 1 });
      attachment.send(response(request.seq, [remote("b1"), { id: 7 }, null], { seq: 1, part: 0 }), response(request.seq, [remote("b2")], { seq: 2 }));
      assert.deepEqual((await fetched).map(({ id }) => id), ["s1", "b1", "b2"]);

      for (let i = 0; i < 300; i++) addSocket(`many-${i}`);
      attachment.send(wire.data({ flags: 2, origin: B, seq: 9, routeKind: 1, kind: KIND.FETCH, route: wire.namespaceRoute("/"), body: Buffer.alloc(0) }));
      const answers = await attachment.waitData(KIND.RESPONSE, 2);
      assert.deepEqual(answers.map(({ body }) => body[8]), [0, 1]);
      const sockets = answers.flatMap(({ body }) => decodeValue(body, 9, body.length));
      assert.equal(sockets.length, 301);
      assert.deepEqual(sockets[0], { id: "s1", handshake: { address: "here" }, rooms: ["s1", "r"], data: { of: "s1" } });
    });

    it("are routed anew with each attachment, and end with a member's presence", async () => {
      await attach({ requestTimeout: 5000 });
      for (const member of [B, C, D]) attachment.memberUp(member);
      await until(async () => (await adapter().serverCount()) === 4, "all");
      const fetched = io.fetchSockets();
      const [request] = await attachment.waitData(KIND.FETCH);
      attachment.routed(request.seq, [B, C]);
      await until(() => adapter().client.requests.pending.get(request.seq).waiting.size === 2, "the first ROUTED");
      const again = fake.attachment();
      attachment.socket.destroy();
      attachment = await again;
      await attachment.waitData(KIND.FETCH);
      for (const member of [B, C, D]) attachment.memberUp(member);
      attachment.routed(request.seq, [C, D]);
      const remote = { id: "d1", rooms: ["d1"], handshake: {}, data: 1 };
      attachment.send(response(request.seq, [remote], { seq: 1, origin: D }));
      attachment.presence(C, 0, "/");
      assert.deepEqual((await fetched).map(({ id }) => id), ["d1"], "B is not waited for, D is");
    });

    it("are answered again when they come again, with nothing", async () => {
      await attach();
      const socket = addSocket("s1");
      let acknowledge;
      io.on("slow", (done) => {
        acknowledge = done;
      });
      const body = { ACK: Buffer.concat([wire.chunks('2["q"]'), wire.varint(5000)]), FETCH: Buffer.alloc(0), SSE: Buffer.from('["slow"]') };
      const ask = (seq, kind) => wire.data({ flags: 2, origin: B, seq, routeKind: 1, kind: KIND[kind], route: wire.namespaceRoute("/"), body: body[kind] });
      const answers = () => attachment.data().filter(({ kind }) => kind === KIND.RESPONSE).map(({ body }) => [body.readUInt32LE(0), body[8], body.toString("utf8", 9)]);
      attachment.send(ask(1, "ACK"), ask(2, "SSE"), ask(3, "FETCH"));
      const [[, , fetched]] = await until(() => answers().length === 1 && answers(), "the sockets");
      assert.match(fetched, /"s1"/);
      attachment.send(ask(1, "ACK"), ask(2, "SSE"), ask(3, "FETCH"));
      await until(() => answers().length === 2, "the second answer");
      assert.deepEqual(answers()[1], [3, 2, ""], "the others are still to be answered");
      acknowledge("done");
      [...socket.acks.values()][0]("one");
      await until(() => answers().length === 5, "the answers");
      assert.deepEqual(answers().slice(2), [[2, 1, '"done"'], [1, 0, '"one"'], [1, 1, "1"]]);
      attachment.send(ask(1, "ACK"), ask(2, "SSE"));
      await until(() => answers().length === 7, "the second answers");
      assert.deepEqual(answers().slice(5), [[1, 2, ""], [2, 2, ""]]);
      assert.equal(socket.written.length, 1, "delivered once");
    });

    it("that come again and ask to join are answered with JOINED again", async () => {
      await attach();
      addSocket("s1");
      const join = wire.data({ flags: 4, origin: B, seq: 3, kind: KIND.JOIN, route: wire.roomsRoute("/", [], [], ["new"]), body: Buffer.concat([wire.varint(1), wire.string("new")]) });
      attachment.send(join, join);
      const joined = await attachment.waitData(KIND.JOINED, 2);
      assert.deepEqual(joined.map(({ body }) => body.readUInt32LE(0)), [3, 3]);
    });

    it("fetchSockets times out as Socket.IO's own adapters do", async () => {
      await attach({ requestTimeout: 60 });
      attachment.memberUp(B);
      attachment.memberUp(C);
      await until(async () => (await adapter().serverCount()) === 3, "both");
      const fetched = io.fetchSockets();
      const [request] = await attachment.waitData(KIND.FETCH);
      attachment.send(response(request.seq, [], { seq: 1 }));
      await assert.rejects(fetched, { message: "timeout reached: only 1 responses received out of 2" });
    });

    it("serverSideEmit with an acknowledgement is marked, and answered once", async () => {
      await attach();
      let ack;
      io.on("question", (value, done) => {
        ack = done;
        done(value + 1);
        done("again");
      });
      attachment.send(wire.data({ flags: 2, origin: B, seq: 5, routeKind: 1, kind: KIND.SSE, route: wire.namespaceRoute("/"), body: Buffer.from('["question",1]') }));
      await attachment.waitData(KIND.RESPONSE);
      ack("and again");
      await sleep(30);
      const answers = attachment.data().filter(({ kind }) => kind === KIND.RESPONSE);
      assert.deepEqual(answers.map(({ body }) => body.toString("utf8", 9)), ["2"]);
    });
  });

  describe("joins", () => {
    it("wait for SYNCED, one SYNC a turn", async () => {
      await attach();
      const done = [];
      const joins = ["a", "b"].map((room) => Promise.resolve(adapter().addAll("s1", new Set([room]))).then(() => done.push(room)));
      const [sync] = await attachment.waitFor(() => attachment.of(TYPES.SYNC).length > 0 && attachment.of(TYPES.SYNC), "the SYNC");
      await sleep(30);
      assert.deepEqual([done.length, attachment.of(TYPES.SYNC).length], [0, 1]);
      attachment.synced(new Reader(sync, 1).u32());
      await Promise.all(joins);
      assert.equal(adapter().addAll("s2", new Set(["a"])), undefined, "every peer has it");
    });

    it("never wait for a sidecar that is away, nor longer than a second", async () => {
      await attach();
      const lost = adapter().addAll("s1", new Set(["a"]));
      assert.ok(lost instanceof Promise);
      attachment.socket.destroy();
      await lost;
      await until(() => of("attached").length === 2, "the next attachment");
      const start = Date.now();
      await adapter().addAll("s1", new Set(["b"]));
      assert.ok(Date.now() - start < 1500);
      await fake.die();
      await until(() => of("detached").length === 2, "the loss");
      assert.equal(adapter().addAll("s1", new Set(["c"])), undefined);
    });
  });
});

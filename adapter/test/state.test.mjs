// The small state machines: origins, members, requests, interest, joins, deliveries.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it, mock } from "node:test";
import { Reader } from "./support/wire.mjs";

const require = createRequire(import.meta.url);
const { Origins } = require("../dist/origins.js");
const { Members } = require("../dist/members.js");
const { Requests } = require("../dist/requests.js");
const { Interest } = require("../dist/interest.js");
const { Joins } = require("../dist/joins.js");
const { Deliveries } = require("../dist/deliveries.js");
const { ByteWriter, memberId } = require("../dist/bytes.js");
const { parseAddress } = require("../dist/address.js");
const { ORIGIN_MEMORY_MS, MAX_ORIGINS } = require("../dist/limits.js");

describe("origins", () => {
  it("are remembered by both halves of the id", () => {
    const origins = new Origins();
    origins.find(1, 2).seq = 5;
    origins.find(2, 1).seq = 6;
    origins.find(65, 66).seq = 7; // the same cache slot as the first
    assert.deepEqual([origins.find(1, 2).seq, origins.find(2, 1).seq, origins.find(65, 66).seq], [5, 6, 7]);
  });

  it("are forgotten some time after they are down, and not before", () => {
    const origins = new Origins();
    const { hex } = origins.find(1, 2);
    origins.find(1, 2).seq = 9;
    origins.down(hex, 1000);
    origins.down("ffffffffffffffff", 1000 + ORIGIN_MEMORY_MS);
    assert.equal(origins.find(1, 2).seq, 9);
    origins.up(hex);
    origins.down("ffffffffffffffff", 5000 + ORIGIN_MEMORY_MS);
    assert.equal(origins.find(1, 2).seq, 9);
    origins.down(hex, 10_000);
    origins.down("ffffffffffffffff", 10_001 + ORIGIN_MEMORY_MS);
    assert.equal(origins.size, 0);
    assert.equal(origins.find(1, 2).seq, 0);
  });

  it("are bounded", () => {
    const origins = new Origins();
    for (let i = 0; i <= MAX_ORIGINS; i++) origins.find(i, 7).seq = 1;
    assert.equal(origins.size, MAX_ORIGINS);
    assert.equal(origins.find(0, 7).seq, 0);
  });
});

describe("members", () => {
  const setup = () => {
    const told = [];
    const members = new Members({
      present: (member, nsp) => told.push(`+${member.name}${nsp}`),
      absent: (member, nsp, reason) => told.push(`-${member.name}${nsp} ${reason}`),
    });
    return { told, members };
  };
  const a = memberId(1, 1);

  it("are present where they say", () => {
    const { told, members } = setup();
    members.up(a, "s", "a", ["/", "/x"]);
    members.presence(a.hex, "/y", true);
    members.presence(a.hex, "/x", false);
    members.presence("0000000000000000", "/y", true);
    assert.deepEqual([...members.in("/y").keys()], [a.hex]);
    assert.equal(members.in("/x").size, 0);
    assert.deepEqual(told, ["+a/", "+a/x", "+a/y", "-a/x left"]);
  });

  it("replace their namespaces when announced again", () => {
    const { told, members } = setup();
    members.up(a, "s", "a", ["/", "/x"]);
    members.up(a, "t", "a2", ["/", "/z"]);
    assert.deepEqual(told.slice(2), ["-a2/x left", "+a2/z"]);
    assert.equal(members.in("/").get(a.hex).sidecar, "t");
    members.down(a.hex, "died");
    assert.deepEqual(told.slice(4), ["-a2/ died", "-a2/z died"]);
    assert.equal(members.size, 0);
  });
});

const [PARTIAL, FINAL, NOTHING] = [0, 1, 2];

describe("requests", () => {
  const setup = (members, timeout = 1000, revocable = false) => {
    const log = [];
    const requests = new Requests();
    requests.add(1, "/", members, timeout, {
      revocable,
      partial: (member, value) => log.push(`${member} partial ${value}`),
      resolved: (member, how, value) => log.push(`${member} ${how} ${value}`),
      complete: () => log.push("complete"),
      expired: (answered, expected) => log.push(`expired ${answered}/${expected}`),
    });
    return { log, requests };
  };

  it("resolve each member once, and then end", () => {
    const { log, requests } = setup(["a", "b"]);
    requests.answer(1, "a", PARTIAL, "p");
    requests.answer(1, "a", FINAL, "f");
    requests.answer(1, "a", FINAL, "again");
    requests.answer(1, "stranger", FINAL, "x");
    requests.answer(9, "b", FINAL, "x");
    requests.answer(1, "b", FINAL, "g");
    requests.answer(1, "b", FINAL, "late");
    assert.deepEqual(log, ["a partial p", "a answered f", "b answered g", "complete"]);
    assert.equal(requests.size, 0);
  });

  it("don't wait for members that they did not go to, or that are gone", () => {
    const { log, requests } = setup(["a", "b", "c"]);
    requests.routed(1, new Set(["b", "c", "other"]));
    requests.gone("b", "/elsewhere");
    requests.gone("b", "/");
    requests.gone("c", "/");
    assert.deepEqual(log, ["a not addressed undefined", "b dead undefined", "c dead undefined", "complete"]);
  });

  it("wait for whom the later ROUTED names", () => {
    const { log, requests } = setup(["a", "b", "c"], 1000, true);
    requests.routed(1, new Set(["b", "c"]));
    requests.answer(1, "b", FINAL, 1);
    requests.routed(1, new Set(["a", "b"]));
    assert.deepEqual(log, ["a not addressed undefined", "b answered 1", "c not addressed undefined"]);
    requests.gone("c", "/");
    requests.routed(1, new Set(["a", "c"]));
    requests.answer(1, "a", NOTHING, undefined);
    assert.deepEqual(log.slice(3), ["a not addressed undefined", "complete"], "c is gone, b has answered");
  });

  it("that count their members resolve each of them once", () => {
    const { log, requests } = setup(["a", "b"]);
    requests.routed(1, new Set(["b"]));
    requests.routed(1, new Set(["a"]));
    assert.deepEqual(log, ["a not addressed undefined", "b not addressed undefined", "complete"]);
  });

  it("end at their deadline", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { log, requests } = setup(["a", "b"], 500);
      requests.answer(1, "a", FINAL, 1);
      mock.timers.tick(499);
      assert.equal(requests.size, 1);
      mock.timers.tick(1);
      assert.deepEqual(log, ["a answered 1", "expired 1/2"]);
      requests.answer(1, "b", FINAL, 1);
      assert.equal(log.length, 2);
    } finally {
      mock.timers.reset();
    }
  });
});

describe("interest", () => {
  const read = (interest) => {
    const writer = new ByteWriter();
    interest.write(writer);
    return parse(writer.take());
  };
  const parse = (bytes) => {
    const found = [];
    for (let at = 0; at < bytes.length; ) {
      const reader = new Reader(bytes, at + 4);
      assert.equal(reader.u8(), 4);
      assert.equal(reader.string(), "/");
      const ops = [];
      for (let count = reader.varint(); count > 0; count--) ops.push(`${reader.u8() === 1 ? "+" : "-"}${reader.string()}`);
      found.push(ops);
      at += 4 + bytes.readUInt32LE(at);
      assert.equal(reader.at, at);
    }
    return found;
  };

  it("tells what changed, and nothing that came and went", () => {
    const interest = new Interest("/");
    interest.change("a", true);
    interest.change("b", true);
    interest.change("a", false);
    assert.deepEqual(read(interest), [["+b"]]);
    assert.equal(interest.dirty, false);
    interest.change("b", false);
    interest.change("b", true);
    assert.deepEqual(read(interest), []);
  });

  it("tells everything at a new attachment, in frames of a bounded size", () => {
    const interest = new Interest("/");
    interest.change("pending", false);
    const rooms = Array.from({ length: 20_000 }, (_, i) => `room-${i}`);
    const writer = new ByteWriter();
    interest.snapshot(writer, rooms);
    const frames = parse(writer.take());
    assert.ok(frames.length > 3);
    assert.deepEqual(frames.flat(), rooms.map((room) => `+${room}`));
    assert.equal(interest.dirty, false);
  });
});

describe("joins", () => {
  it("share one SYNC a turn, and are free when nothing is new", async () => {
    const joins = new Joins();
    assert.equal(joins.wait(), undefined);
    joins.added();
    const first = joins.wait();
    joins.added();
    assert.equal(joins.wait(), first);
    const id = joins.flush();
    assert.equal(joins.flush(), undefined);
    assert.equal(joins.wait(), first, "in flight and enough");
    joins.added();
    const second = joins.wait();
    assert.notEqual(second, first);
    joins.synced(id, true);
    await first;
    const next = joins.flush();
    joins.synced(next, true);
    await second;
    assert.equal(joins.wait(), undefined);
    assert.equal(joins.incomplete, 0);
  });

  it("resolve at a detachment, and after a second", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const joins = new Joins();
      joins.added();
      const lost = joins.wait();
      joins.flush();
      joins.added();
      const unsent = joins.wait();
      joins.detached();
      await Promise.all([lost, unsent]);
      joins.added();
      const slow = joins.wait();
      joins.flush();
      mock.timers.tick(1000);
      await slow;
      assert.equal(joins.incomplete, 3);
      assert.notEqual(joins.wait(), undefined, "what was not acknowledged is asked for again");
    } finally {
      mock.timers.reset();
    }
  });
});

describe("deliveries", () => {
  it("put off what is emitted in the middle of one", () => {
    const deliveries = new Deliveries();
    const order = [];
    deliveries.begin();
    deliveries.defer(() => {
      order.push("second");
      deliveries.defer(() => order.push("third"));
    });
    order.push("first");
    deliveries.end();
    assert.deepEqual(order, ["first", "second", "third"]);
    assert.equal(deliveries.active, false);
  });
});

describe("addresses", () => {
  it("are paths or ports", () => {
    assert.deepEqual(parseAddress("unix:/a/b.sock"), { path: "/a/b.sock" });
    assert.deepEqual(parseAddress("unix:///a/b.sock"), { path: "/a/b.sock" });
    assert.deepEqual(parseAddress("/a/b.sock"), { path: "/a/b.sock" });
    assert.deepEqual(parseAddress("tcp://127.0.0.1:80"), { host: "127.0.0.1", port: 80 });
    assert.deepEqual(parseAddress("tcp://[::1]:7"), { host: "::1", port: 7 });
    for (const bad of ["", "unix:", "tcp://", "tcp://host", "tcp://host:0", "tcp://host:70000", "http://a:1", "a.sock"]) {
      assert.throws(() => parseAddress(bad), { name: "OptionError" }, bad);
    }
  });
});

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { namespaceRoute, roomsRoute } from "./support/wire.mjs";

const require = createRequire(import.meta.url);
const { toWireName, fromWireName } = require("../dist/names.js");
const { RouteEncoder, RouteTable } = require("../dist/routes.js");
const { ROUTE_CACHE_ENTRIES } = require("../dist/limits.js");

describe("names", () => {
  it("come back as what they were", () => {
    const names = ["", "r", "ü💬", "\u0000", "\u0000u:", '\u0000u:"x"', "\ud800", "a\udfffb", 1, -1.5, NaN, 0, "1", "\ufffd"];
    const wire = names.map(toWireName);
    assert.equal(new Set(wire).size, names.length, "no two names are one on the wire");
    for (const [i, name] of names.entries()) {
      assert.equal(fromWireName(Buffer.from(wire[i]).toString()), name);
    }
  });

  it("are left alone where they are plain", () => {
    assert.equal(toWireName("room 1"), "room 1");
    assert.equal(fromWireName("\u0000u:{broken"), "\u0000u:{broken");
  });
});

describe("routes", () => {
  const encoder = new RouteEncoder("/chat");
  const find = (table, route) => table.find(route.kind, false, Buffer.from(route.section), 0, route.section.length);

  it("are written as the protocol says", () => {
    assert.deepEqual(Buffer.from(encoder.rooms(new Set(), undefined).section), namespaceRoute("/chat"));
    assert.equal(encoder.rooms(new Set(), new Set()).kind, 1);
    assert.deepEqual(Buffer.from(encoder.rooms(new Set(["a"]), undefined).section), roomsRoute("/chat", ["a"]));
    assert.deepEqual(Buffer.from(encoder.rooms(new Set(["a", "ü"]), new Set(["x"])).section), roomsRoute("/chat", ["a", "ü"], ["x"]));
    assert.deepEqual(Buffer.from(encoder.rooms(new Set(), new Set(["x"])).section), roomsRoute("/chat", [], ["x"]));
    assert.deepEqual(Buffer.from(encoder.joins(new Set(["a"]), undefined, ["j", "j", "k"]).section), roomsRoute("/chat", ["a"], [], ["j", "k"]));
    const member = encoder.member({ lo: 0x04030201, hi: 0x08070605, hex: "0102030405060708" });
    assert.equal(member.kind, 2);
    assert.deepEqual(Buffer.from(member.section), Buffer.concat([Buffer.from("0102030405060708", "hex"), namespaceRoute("/chat")]));
  });

  it("are read back, from the table the second time", () => {
    const table = new RouteTable();
    const route = encoder.rooms(new Set(["a", 7]), new Set(["x"]));
    const first = find(table, route);
    assert.deepEqual(first, { nsp: "/chat", rooms: ["a", 7], except: ["x"] });
    assert.equal(find(table, route), first);
    assert.deepEqual(find(table, encoder.everyone), { nsp: "/chat", rooms: [], except: [] });
  });

  it("don't take the bytes of one kind for those of another", () => {
    const table = new RouteTable();
    const bytes = Buffer.from(roomsRoute("/", [], []));
    assert.deepEqual(table.find(0, false, bytes, 0, bytes.length).nsp, "/");
    assert.throws(() => table.find(1, false, bytes, 0, bytes.length), { name: "WireError" });
    assert.throws(() => table.find(4, false, bytes, 0, bytes.length), { name: "WireError" });
  });

  it("refuse hostile sections", () => {
    const table = new RouteTable();
    for (const bytes of [[], [5], [1, 47, 255, 255, 3], [1, 47, 1, 200, 1], [1, 47, 0, 0, 0], [255, 255, 255, 255, 255]]) {
      assert.throws(() => table.find(0, false, Buffer.from(bytes), 0, bytes.length), { name: "WireError" }, `${bytes}`);
    }
  });

  it("stay right however many rooms there are", () => {
    const table = new RouteTable();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < ROUTE_CACHE_ENTRIES * 3; i++) {
        const route = encoder.rooms(new Set([`room-${i}`]), undefined);
        assert.deepEqual(find(table, route).rooms, [`room-${i}`]);
      }
    }
    assert.ok(encoder.single.young.size <= ROUTE_CACHE_ENTRIES);
    assert.ok(encoder.single.old.size <= ROUTE_CACHE_ENTRIES);
  });
});

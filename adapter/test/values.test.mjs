import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";

const require = createRequire(import.meta.url);
const { encodeValue, decodeValue } = require("../dist/values.js");

const roundTrip = (value) => {
  const bytes = encodeValue(value);
  return decodeValue(bytes, 0, bytes.length);
};

describe("values", () => {
  it("are JSON where JSON tells all of them", () => {
    for (const value of [null, true, 0, -1.5, "ü\u0000", [], {}, { a: [1, { b: null }] }]) {
      assert.equal(encodeValue(value).toString(), JSON.stringify(value));
      assert.deepEqual(roundTrip(value), value);
    }
  });

  it("keep what JSON can't tell", () => {
    const bytes = Buffer.from([1, 2, 3]);
    for (const value of [undefined, [undefined], NaN, Infinity, -Infinity, -0, 5n, -(2n ** 200n), bytes, { a: [{ b: bytes }], c: undefined }]) {
      assert.deepEqual(roundTrip(value), value);
    }
  });

  it("bring any binary back as a Buffer of its own memory", () => {
    const source = new Uint16Array([1, 2]).subarray(1);
    const [view, buffer] = roundTrip([source, new ArrayBuffer(2)]);
    assert.deepEqual(view, Buffer.from([2, 0]));
    assert.deepEqual(buffer, Buffer.alloc(2));
    const encoded = encodeValue(Buffer.from("abc"));
    const decoded = decodeValue(encoded, 0, encoded.length);
    encoded.fill(0);
    assert.equal(decoded.toString(), "abc");
  });

  it("honour toJSON in both forms, and leave functions out", () => {
    const date = new Date(0);
    assert.deepEqual(roundTrip({ date, f() {} }), { date: date.toJSON() });
    assert.deepEqual(roundTrip({ date, f() {}, b: Buffer.from("x") }), { date: date.toJSON(), b: Buffer.from("x") });
  });

  it("refuse what is circular or too deep", () => {
    const circular = {};
    circular.self = circular;
    assert.throws(() => encodeValue(circular), { name: "ValueError" });
    const tagged = { b: Buffer.alloc(1) };
    tagged.self = tagged;
    assert.throws(() => encodeValue(tagged), { name: "ValueError" });
  });

  it("never let __proto__ in or out", () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": 1}, "a": {"__proto__": {"polluted": 2}}}');
    for (const value of [hostile, { ...hostile, b: Buffer.alloc(0), deep: hostile }]) {
      const decoded = roundTrip(value);
      assert.equal(decoded.polluted, undefined);
      assert.equal(decoded.a.polluted, undefined);
      assert.ok(!Object.hasOwn(decoded, "__proto__"));
    }
    for (const text of ['{"__proto__":{"polluted":1}}', '{"\\u005f_proto__":{"polluted":1}}']) {
      const bytes = Buffer.from(text);
      assert.ok(!Object.hasOwn(decodeValue(bytes, 0, bytes.length), "__proto__"), text);
    }
    const tagged = Buffer.concat([Buffer.from([1, 8, 1, 9]), Buffer.from("__proto__"), Buffer.from([8, 0])]);
    assert.ok(!Object.hasOwn(decodeValue(tagged, 0, tagged.length), "__proto__"));
    assert.equal({}.polluted, undefined);
  });

  it("refuse hostile bytes with a WireError, whatever they are", () => {
    const cases = [[], [1], [1, 99], [1, 7, 255, 255, 255, 255, 15], [1, 8, 2, 1], [1, 6, 200, 1], [1, 9, 2, 0x78, 0x79], [0x7b], [1, 0, 0]];
    for (const bytes of cases) {
      assert.throws(() => decodeValue(Buffer.from(bytes), 0, bytes.length), { name: "WireError" }, `${bytes}`);
    }
    const deep = Buffer.concat([Buffer.from([1]), Buffer.from(Array.from({ length: 4000 }, (_, i) => (i % 2 ? 1 : 7)))]);
    assert.throws(() => decodeValue(deep, 0, deep.length), { name: "WireError" });
    let random = 12345;
    const next = () => (random = (Math.imul(random, 1103515245) + 12345) >>> 0) >>> 16;
    for (let i = 0; i < 5000; i++) {
      const bytes = Buffer.from([1, ...Array.from({ length: next() % 40 }, () => next() % 12)]);
      try {
        decodeValue(bytes, 0, bytes.length);
      } catch (error) {
        assert.equal(error.name, "WireError");
      }
    }
  });
});

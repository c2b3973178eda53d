import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { frame, u32 } from "./support/wire.mjs";

const require = createRequire(import.meta.url);
const { FrameSplitter } = require("../dist/splitter.js");

function split(stream, sizes) {
  const frames = [];
  const splitter = new FrameSplitter((buffer, start, end) => frames.push(Buffer.from(buffer.subarray(start, end)).toString()) > 0);
  const shared = Buffer.alloc(64 * 1024);
  for (let at = 0, i = 0; at < stream.length; i++) {
    const bytes = Math.min(sizes[i % sizes.length], stream.length - at, shared.length);
    stream.copy(shared, 0, at, at + bytes);
    splitter.feed(shared, bytes);
    shared.fill(0xee); // The read buffer is written over by the next read.
    at += bytes;
  }
  return frames;
}

describe("the frame splitter", () => {
  const texts = ["a", "bc", "x".repeat(5000), "", "y".repeat(200_000), "z"];
  const stream = Buffer.concat(texts.map((text) => frame(0x41, Buffer.from(text))));

  it("cuts the same frames whatever the reads are", () => {
    for (const sizes of [[1], [2, 3], [4], [5], [7, 1, 4096], [65536], [1000]]) {
      if (sizes[0] === 1 && sizes.length === 1) {
        const small = Buffer.concat([frame(0x41, Buffer.from("abc")), frame(0x42)]);
        assert.deepEqual(split(small, sizes), ["Aabc", "B"]);
        continue;
      }
      assert.deepEqual(split(stream, sizes), texts.map((text) => `A${text}`), `${sizes}`);
    }
  });

  it("refuses lengths that can't be", () => {
    for (const length of [0, 20 * 1024 * 1024 + 1, 0xffffffff]) {
      assert.throws(() => split(Buffer.concat([u32(length), Buffer.alloc(8)]), [100]), { name: "WireError" });
      assert.throws(() => split(Buffer.concat([u32(length), Buffer.alloc(8)]), [3]), { name: "WireError" });
    }
  });

  it("stops where the handler says so", () => {
    let count = 0;
    const splitter = new FrameSplitter(() => ++count < 2);
    const bytes = Buffer.concat([frame(1), frame(2), frame(3)]);
    splitter.feed(bytes, bytes.length);
    assert.equal(count, 2);
  });
});

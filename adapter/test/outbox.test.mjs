import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { parseData } from "./support/wire.mjs";

const require = createRequire(import.meta.url);
const { Outbox } = require("../dist/outbox.js");
const { Publisher } = require("../dist/publisher.js");
const { EncodedPacket } = require("../dist/packets.js");
const { RouteEncoder } = require("../dist/routes.js");
const { memberId } = require("../dist/bytes.js");
const { SLAB_BYTES, MIN_BUFFER_BYTES, VOLATILE_BACKLOG_BYTES } = require("../dist/limits.js");

const VOLATILE = 1;

function setup(limit = MIN_BUFFER_BYTES) {
  const host = { attached: true, woken: 0, reasons: [], wake: () => host.woken++, unsendable: (reason) => host.reasons.push(reason) };
  const outbox = new Outbox(limit, () => undefined);
  const publisher = new Publisher(memberId(1, 2), outbox, host);
  const route = new RouteEncoder("/").everyone;
  const publish = (text, flags = 0) =>
    publisher.packet(1, flags, route, new EncodedPacket({ type: 2, data: [] }, "/", [].concat(text)));
  return { host, outbox, publisher, publish };
}

/** What a drain writes: frames and declared losses, in order. Writes are finished at once unless told otherwise. */
function drain(outbox, { finish = true } = {}) {
  const written = [];
  outbox.drain(
    (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const length = Buffer.from(bytes.buffer, bytes.byteOffset + at, 4).readUInt32LE();
        written.push(parseData(Buffer.from(bytes.subarray(at + 4, at + 4 + length))));
        at += 4 + length;
      }
      if (finish) outbox.written();
      return true;
    },
    (lost) => written.push({ lost }) > 0,
  );
  return written;
}

const seqs = (frames) => frames.map((each) => each.seq ?? `lost ${each.lost.count} to ${each.lost.seq}`);
const big = "x".repeat(30_000);

describe("the outbox", () => {
  it("writes each frame once, in order", () => {
    const { outbox, publish } = setup();
    publish("a");
    publish("b");
    assert.deepEqual(seqs(drain(outbox)), [1, 2]);
    publish("c");
    assert.deepEqual(seqs(drain(outbox)), [3]);
    assert.equal(outbox.unsent, 0);
    assert.deepEqual(drain(outbox), []);
  });

  it("keeps what was not taken, and writes it again at a new attachment", () => {
    const { outbox, publish } = setup();
    for (let i = 0; i < 10; i++) publish(`m${i}`);
    drain(outbox);
    outbox.take(4);
    outbox.detach();
    publish("new");
    const again = drain(outbox);
    assert.deepEqual(seqs(again), [5, 6, 7, 8, 9, 10, 11]);
    assert.equal(again[0].body.toString("utf8", 2), "m4");
    assert.equal(outbox.begin(), undefined);
  });

  it("frees slabs as they are taken, and reuses one that is empty", () => {
    const { outbox, publish } = setup(64 * SLAB_BYTES);
    for (let i = 0; i < 40; i++) publish(big);
    drain(outbox);
    assert.ok(outbox.heldBytes > 5 * SLAB_BYTES);
    outbox.take(40);
    assert.equal(outbox.heldBytes, SLAB_BYTES);
    for (let i = 0; i < 1000; i++) {
      publish("small");
      drain(outbox);
      outbox.take(41 + i);
    }
    assert.equal(outbox.heldBytes, SLAB_BYTES);
  });

  it("never writes over bytes that the socket still reads", () => {
    const { outbox, publish } = setup();
    publish("first");
    const bytes = [];
    outbox.drain((part) => bytes.push(part) > 0, () => true);
    outbox.take(1);
    const before = Buffer.from(bytes[0]);
    for (let i = 0; i < 200; i++) publish(big);
    assert.deepEqual(Buffer.from(bytes[0]), before);
  });

  it("does not keep volatile frames over a detachment", () => {
    const { outbox, publish } = setup();
    publish("a");
    publish("v", VOLATILE);
    publish("b");
    publish("v", VOLATILE);
    drain(outbox);
    outbox.detach();
    assert.deepEqual(seqs(drain(outbox)), [1, 3]);
    outbox.take(3);
    outbox.detach();
    assert.deepEqual(drain(outbox), []);
  });

  it("forgets the oldest sent frames past the bound, and declares them at a new attachment", () => {
    const { outbox, publish } = setup();
    for (let i = 0; i < 100; i++) {
      publish(big);
      drain(outbox);
    }
    assert.ok(outbox.heldBytes <= MIN_BUFFER_BYTES);
    assert.ok(outbox.forgotten > 0);
    const { seq, count } = outbox.begin();
    assert.equal(seq, count);
    outbox.detach();
    assert.equal(drain(outbox)[0].seq, seq + 1);
    outbox.take(seq);
    assert.equal(outbox.begin(), undefined, "they were taken after all");
  });

  it("declares in their place the frames that were dropped before they were sent", () => {
    const { outbox, publish } = setup();
    publish("sent");
    drain(outbox);
    for (let i = 0; i < 100; i++) publish(big);
    const written = seqs(drain(outbox));
    assert.match(String(written[0]), /^lost \d+ to \d+$/);
    const [, count, to] = /lost (\d+) to (\d+)/.exec(written[0]).map(Number);
    assert.equal(count, to - 1, "the first was sent");
    assert.deepEqual(written.slice(1), Array.from({ length: 101 - to }, (_, i) => to + 1 + i));
    assert.equal(outbox.dropped, count);
    assert.equal(outbox.unsent, 0);
  });

  it("drops the oldest while detached", () => {
    const { outbox, publish, host } = setup();
    host.attached = false;
    for (let i = 0; i < 100; i++) publish(big);
    assert.ok(outbox.heldBytes <= MIN_BUFFER_BYTES);
    const { seq, count } = outbox.begin();
    assert.equal(seq, count);
    assert.equal(drain(outbox)[0].seq, seq + 1, "declared once, by whoever begins the attachment");
  });

  it("takes a frame larger than a slab", () => {
    const { outbox, publish } = setup();
    publish("é".repeat(SLAB_BYTES));
    publish("after");
    const frames = drain(outbox);
    assert.deepEqual(seqs(frames), [1, 2]);
    assert.equal(frames[0].body.length, SLAB_BYTES * 2 + 4);
  });
});

describe("the publisher", () => {
  it("writes text of any width as the protocol says", () => {
    const { outbox, publish } = setup(64 * SLAB_BYTES);
    const texts = ["", "a", "x".repeat(63), "x".repeat(64), "ü".repeat(32), "€".repeat(40), "💬".repeat(31), "x".repeat(8191), "ä".repeat(8192), "€".repeat(9000), "\ud800"];
    texts.forEach((text) => publish(text));
    for (const [i, { body, kind, routeKind, origin }] of drain(outbox).entries()) {
      const expected = Buffer.from(texts[i]);
      let head = body[1] & 127;
      let at = 2;
      for (let shift = 7; body[at - 1] >= 128; shift += 7) head += (body[at++] & 127) * 2 ** shift;
      assert.equal(body[0], 1);
      assert.equal(head, expected.length * 2);
      assert.ok(body.subarray(at).equals(expected), `text ${i}`);
      assert.deepEqual([kind, routeKind, origin], [1, 1, "0100000002000000"]);
    }
  });

  it("takes binary chunks of any view", () => {
    const { outbox, publish } = setup();
    publish([["t", Buffer.from("b"), new Uint16Array([257]), new Uint8Array([1, 2, 3]).buffer]].flat());
    const [{ body }] = drain(outbox);
    assert.deepEqual([...body], [4, 2, 0x74, 3, 0x62, 5, 1, 1, 7, 1, 2, 3]);
  });

  it("sheds volatile publishes while detached or far behind, without a sequence", () => {
    const { host, publisher, publish } = setup(64 * SLAB_BYTES);
    host.attached = false;
    assert.equal(publish("v", VOLATILE), 0);
    assert.equal(publish("kept"), 1);
    host.attached = true;
    assert.equal(publish("v", VOLATILE), 2);
    while (publisher.outbox.unsent <= VOLATILE_BACKLOG_BYTES) publish(big);
    assert.equal(publish("v", VOLATILE), 0);
    assert.equal(publisher.shed, 2);
  });

  it("refuses what can't be sent, by name, and goes on", () => {
    const { host, publisher, publish } = setup();
    publisher.maxFrameBytes = 1000;
    assert.equal(publish("x".repeat(9000)), 0);
    assert.equal(publish(["t", new Blob(["b"])]), 0);
    assert.match(host.reasons[0], /1000 bytes/);
    assert.match(host.reasons[1], /Blob/);
    assert.equal(publish("fine"), 1);
  });
});

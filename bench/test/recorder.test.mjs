import assert from "node:assert/strict";
import { test } from "node:test";
import { Recorder } from "../child/recorder.mjs";
import { nowUs } from "../lib/clock.mjs";

function deliver(recorder, room, count) {
  let touched = 0;
  const sentUs = nowUs() - 1000;
  for (let i = 0; i < count; i++) {
    const packet = {
      get data() {
        touched++;
        return ["e", sentUs, "pad"];
      },
    };
    recorder.take(packet, { rooms: new Set([room]) });
  }
  return touched;
}

test("only deliveries to the armed room count, and every 16th is looked into", () => {
  const recorder = new Recorder();
  recorder.arm(["a"]);
  assert.equal(deliver(recorder, "b", 20), 0);
  assert.equal(deliver(recorder, "a", 33), 3);
  const { count, countThen, latenciesUs } = recorder.report();
  assert.equal(count, 33);
  assert.equal(countThen, 33);
  assert.equal(latenciesUs.length, 3);
  assert.ok(latenciesUs.every((us) => us >= 1000 && us < 100_000));
});

test("arming again starts from nothing, and long runs keep every sample", () => {
  const recorder = new Recorder();
  recorder.arm(["a"]);
  deliver(recorder, "a", 5);
  recorder.arm(["b"]);
  assert.deepEqual([recorder.report().count, recorder.report().latenciesUs.length], [0, 0]);
  const samples = 70_000; // more than the recorder has room for at first
  deliver(recorder, "b", 16 * samples);
  assert.equal(recorder.report().latenciesUs.length, samples);
});

test("reached: at once, at the last message, or when time is up", async () => {
  const recorder = new Recorder();
  recorder.arm(["a"]);
  deliver(recorder, "a", 2);
  assert.equal(await recorder.reached(2, 1000), 2);
  const third = recorder.reached(3, 10_000);
  deliver(recorder, "a", 1);
  assert.equal(await third, 3);
  assert.equal(recorder.report().countThen, 3);
  assert.equal(await recorder.reached(4, 10), 3);
});

// Recovery when servers go: one after another is ended and started again, under traffic.
// RECOVERY_ROLLS=100: how often each test ends a server; 3 without it.
import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { Pods } from "../support/pods.mjs";
import { numbers } from "../support/traffic.mjs";
import { sleep } from "../support/until.mjs";

const ROLLS = Number(process.env.RECOVERY_ROLLS ?? 3);

async function rolling(run) {
  const pods = await Pods.start(3);
  try {
    await pods.clients(3, "all");
    pods.traffic("all");
    await run(pods);
    await sleep(50);
    pods.silence();
    await pods.expectAll();
    const comebacks = pods.roamers.reduce((sum, { connects }) => sum + connects.length - 1, 0);
    assert.ok(comebacks >= ROLLS * 3, `${comebacks} came back`);
  } finally {
    await pods.stop();
  }
}

describe("a rolling update", () => {
  it("of the apps: nothing lost, nothing twice, all recovered", async () => {
    await rolling(async (pods) => {
      for (const i of numbers(ROLLS)) await pods.roll(i % 3, { sidecar: false });
    });
  });

  it("of apps and sidecars: nothing lost, nothing twice, all recovered", async () => {
    await rolling(async (pods) => {
      for (const i of numbers(ROLLS)) await pods.roll(i % 3);
    });
  });
});

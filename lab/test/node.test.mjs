// node.sh: which of two Postgres nodes leads, with real servers.

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Household } from "../../bench/lib/household.mjs";
import { sleepUntilReady } from "../lib/wait.mjs";
import { Place } from "../lib/place.mjs";
import { Pair, postgresMissing } from "../postgres-reconnection/system.mjs";

const PORTS = [24_190, 24_191]; // of nobody else here
const MEMORY = "/dev/shm";
const skip = postgresMissing();

let household;
let pair;
let stage;

before(async () => {
  if (skip) return;
  // It is about who leads, and not about how long a busy disk takes.
  if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
  household = new Household("lab-node");
  const root = household.folder();
  chmodSync(root, 0o755);
  stage = {
    folder: (name) => {
      mkdirSync(join(root, name), { recursive: true });
      return join(root, name);
    },
    place: (spec) => new Place(household, spec),
  };
  pair = new Pair(stage, PORTS);
  await pair.start();
});

after(async () => {
  await pair?.stop();
  await household?.endAll();
});

test("of two primaries the one that was promoted later stays, and the other is its copy", { skip }, async () => {
  const [first, second] = pair.nodes;
  await pair.killPrimary();
  assert.equal(await second.role(), "primary");
  // Back in the very moment of the promotion: it looked for another primary before there was one.
  const hasty = stage.place(first.spec("hasty", "server", { PEER_PORT: "1" }));
  await hasty.start();
  await hasty.ready(async () => (await first.role()) === "primary");
  await first.watch.start();
  await sleepUntilReady(() => hasty.pid === undefined && first.watch.pid === undefined);
  assert.equal(await second.role(), "primary");
  await pair.heal();
});

test("who has lost its disk is a copy of the other one, even if it was to begin as the primary", { skip }, async () => {
  const [first, second] = pair.nodes;
  await first.stop();
  const emptied = stage.place(first.spec("emptied", "server", { NODE_DIR: join(first.folder, "again") }));
  await emptied.start();
  await emptied.ready(async () => (await first.role()) === "standby");
  assert.equal(await second.role(), "primary");
  await emptied.stop("SIGQUIT");
});

// The lab itself: real processes, a short selection, and what becomes of bad input.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Household } from "../../bench/lib/household.mjs";
import { Place } from "../lib/place.mjs";
import { SYSTEMS, whyNot } from "../systems.mjs";

const RUN = fileURLToPath(new URL("../run.mjs", import.meta.url));
const PORT = 24_000; // not those of a lab that runs meanwhile
const FRONT = PORT + 20 * SYSTEMS.findIndex(({ name }) => name === "socketmesh");
const NOT_HERE = whyNot(SYSTEMS.at(-1));
const TIMEOUT_MS = 120_000;

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "socketmesh-lab-test-"))));
after(() => rmSync(folder, { recursive: true }));

/** Temporary folders of the lab go below this test's own, whose name marks its processes. */
function start(env) {
  const child = spawn(process.execPath, [RUN], {
    env: { PATH: process.env.PATH, TMPDIR: folder, LAB_OUT: join(folder, "out"), LAB_PORT: `${PORT}`, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (child.output += data));
  child.ended = new Promise((resolve) => child.once("close", resolve));
  return child;
}

const index = () => JSON.parse(readFileSync(join(folder, "out/index.json"), "utf8"));

function processesThatMention(text) {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes(text);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

async function assertNothingLeft() {
  for (let i = 0; i < 100 && processesThatMention(folder).length > 0; i++) await sleep(20);
  assert.deepEqual(processesThatMention(folder), []);
  assert.deepEqual(readdirSync(folder).filter((name) => name !== "out"), []);
}

test("SocketMesh: nothing is lost, not even when a sidecar is killed", { skip: NOT_HERE, timeout: TIMEOUT_MS }, async () => {
  const run = start({ SYSTEM: "socketmesh", CASE: "delivery backend-killed" });
  assert.equal(await run.ended, 0, run.output);
  const { runs } = index();
  assert.deepEqual(runs.map(({ verdict }) => verdict), ["held", "held"]);
  for (const { case: id, measures } of runs) {
    assert.ok(measures.due > 500 && measures.received === measures.due, id);
    const record = JSON.parse(readFileSync(join(folder, `out/runs/socketmesh.${id}.json`), "utf8"));
    assert.equal(record.messages.length, measures.sent);
    assert.equal(record.receipts.length, 12);
  }
  assert.match(readFileSync(join(folder, "out/index.html"), "utf8"), /<svg /);
  await assertNothingLeft();
});

test("a port that is taken is named, with who has it; the command fails", { skip: NOT_HERE, timeout: TIMEOUT_MS }, async () => {
  const taken = createServer().listen(FRONT, "127.0.0.1");
  await once(taken, "listening");
  const run = start({ SYSTEM: "socketmesh", CASE: "delivery" });
  assert.equal(await run.ended, 1, run.output);
  taken.close();
  const [{ verdict, reason }] = index().runs;
  assert.equal(verdict, "failed");
  assert.match(reason, new RegExp(`port ${FRONT} is used by node.*pid ${process.pid}`));
  await assertNothingLeft();
});

test("interrupted in mid-run it leaves nothing behind", { skip: NOT_HERE, timeout: TIMEOUT_MS }, async () => {
  const run = start({ SYSTEM: "socketmesh", CASE: "delivery" });
  while (!run.output.includes("delivery")) await sleep(20);
  run.kill("SIGINT");
  assert.equal(await run.ended, 130);
  await assertNothingLeft();
});

test("a selection that names nothing says what there is", async () => {
  const run = start({ SYSTEM: "kafka" });
  assert.equal(await run.ended, 2);
  assert.match(run.output, /no system is called kafka; there is redis-single-node, .*socketmesh/);
});

test("a missing program is named", () => {
  assert.match(whyNot({ programs: ["node", "no-such-program"] }), /^no-such-program not found: scripts\/deps.sh lab/);
});

test("a place that is to be restarted is not, once it is stopped", async () => {
  const household = new Household("lab");
  const place = new Place(household, { name: "sleeper", command: ["sleep", "1000"], restart_ms: 10 });
  await place.start();
  const first = place.pid;
  place.kill();
  while (place.pid === undefined || place.pid === first) await sleep(5);
  place.kill();
  await sleep(12); // it is being started, or about to be
  await place.stop("SIGKILL");
  await sleep(100);
  assert.equal(place.pid, undefined);
});

test("a place that is frozen stands still with all below it, and goes on", async () => {
  const household = new Household("lab");
  const place = new Place(household, { name: "two", command: ["sh", "-c", "sleep 1000 & wait"] });
  await place.start();
  await sleep(100);
  const states = () => {
    const child = readFileSync(`/proc/${place.pid}/task/${place.pid}/children`, "utf8").trim();
    return [place.pid, child].map((pid) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))[1]);
  };
  place.freeze();
  await sleep(50);
  assert.deepEqual(states(), ["T", "T"]);
  place.thaw();
  await sleep(50);
  assert.deepEqual(states(), ["S", "S"]);
  process.kill(Number(readFileSync(`/proc/${place.pid}/task/${place.pid}/children`, "utf8")));
  await place.stop("SIGKILL");
});

test("a server that does not come up is named, with its last words", async () => {
  const household = new Household("lab");
  const place = new Place(household, { name: "redis 7", command: ["sh", "-c", "echo no memory left >&2; exit 3"] });
  await place.start();
  await assert.rejects(place.ready(() => false), /redis 7 does not come up \(exit code 3: no memory left\)/);
  const missing = new Place(household, { name: "redis 8", command: ["/no/such/redis"] });
  const comesUp = missing.start().then(() => missing.ready(() => false));
  await assert.rejects(comesUp, /redis 8/);
});

// The suite itself, each system for a second, and that it leaves nothing behind.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sleep } from "../lib/clock.mjs";
import { nativeMissing } from "../lib/native.mjs";
import { fullSystems, systemNamed } from "../systems/index.mjs";

const systems = fullSystems.map(systemNamed);
const kProgram = fileURLToPath(new URL("../run.mjs", import.meta.url));
const kTimeout = 120_000; // a machine that compiles at the same time is slow
const kFields = [
  ...["suite", "system", "servers", "holders", "bytes", "offered_per_s", "sustained_per_s", "lost"],
  ...["cpu_us_per_emit", "publisher_cpu_us_per_emit", "p50_ms", "p99_ms", "p999_ms"],
];

/** Temporary folders of the suite go below a folder of the test's own, whose name marks its processes. */
async function withFolder(body) {
  const folder = mkdtempSync(join(tmpdir(), "socketmesh-bench-test-"));
  chmodSync(folder, 0o755); // postgres runs as a user of its own
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start(args, { folder, path = process.env.PATH }) {
  const child = spawn(process.execPath, [kProgram, ...args, "--out", join(folder, "results")], {
    env: { PATH: path, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => (child.output += data));
  }
  child.ended = new Promise((resolve) => child.once("close", resolve));
  return child;
}

/** Resolves when a cluster of the run is up. */
async function begun(run) {
  while (run.exitCode === null && !run.output.includes("round 1/1")) await sleep(20);
  await sleep(1000);
}

function processesThatMention(text) {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes(text);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

function assertNothingLeft(folder) {
  assert.deepEqual(readdirSync(folder).filter((name) => name !== "results"), []);
  assert.deepEqual(processesThatMention(folder), []);
}

const [available] = systems.filter((system) => !system.missing());

for (const system of systems) {
  const options = { skip: system.missing(), timeout: kTimeout };
  test(`${system.name}: a second at 200/s without loss`, options, () =>
    withFolder(async (folder) => {
      const flags = ["--quick", "--systems", system.name, "--rates", "200", "--holders", "all,1"];
      const thorough = system === available;
      if (!thorough) flags.push("--suite", "adapter");
      const run = start(flags, { folder });
      assert.equal(await run.ended, 0, run.output);
      const report = JSON.parse(readFileSync(join(folder, "results/latest.json"), "utf8"));
      assert.deepEqual(
        report.rows.map((row) => [row.holders, row.lost, row.duplicates]),
        [
          [3, 0, 0],
          [1, 0, 0],
        ],
      );
      for (const row of report.rows) {
        for (const field of kFields) assert.ok(row[field] !== undefined, field);
        assert.ok(row.p50_ms > 0 && row.p99_ms >= row.p50_ms);
        assert.ok(row.cpu_us_per_emit > row.publisher_cpu_us_per_emit);
      }
      assert.equal(report.convergence.length, thorough ? 1 : 0);
      if (thorough) assert.ok(report.memory[0].largest_resident_mib > 1);
      assertNothingLeft(folder);
    }),
  );
}

const interrupted = { skip: !available && "no system is here", timeout: kTimeout };

test("an interrupted run leaves nothing behind", interrupted, () =>
  withFolder(async (folder) => {
    const flags = ["--quick", "--suite", "adapter", "--systems", available.name, "--seconds", "20"];
    const run = start(flags, { folder });
    await Promise.race([run.ended, begun(run)]);
    assert.ok(processesThatMention(folder).length > 1);
    run.kill("SIGINT");
    assert.equal(await run.ended, 130, run.output);
    await sleep(100); // SIGKILL was sent to the children; the kernel ends them
    assertNothingLeft(folder);
  }),
);

const programs = ["bench_relay", "bench_clients", "bench_scale"].map(nativeMissing);
const noSidecar = available !== systems[0] && "no sidecar here";
const native = {
  skip: noSidecar || programs.find((reason) => reason),
  timeout: kTimeout,
};

test("every session comes back: recovery", { skip: noSidecar, timeout: kTimeout }, () =>
  withFolder(async (folder) => {
    const run = start(["--quick", "--suite", "recovery"], { folder });
    assert.equal(await run.ended, 0, run.output);
    const report = JSON.parse(readFileSync(join(folder, "results/latest.json"), "utf8"));
    const own = report.recovery.filter(({ system }) => system === "socketmesh-recovery");
    assert.equal(own.length, 2);
    for (const row of own) assert.deepEqual([row.recovered, row.missing_messages], [row.sessions, 0]);
    const pods = report.recovery.filter(({ system }) => system === "socketmesh-copies");
    assert.deepEqual(pods.map(({ loss }) => loss), ["pod"], run.output);
    assert.deepEqual([pods[0].recovered, pods[0].missing_messages], [pods[0].sessions, 0]);
    assert.deepEqual(report.copy_lag.map((row) => row.offered_per_s), [10, 12_000], run.output);
    for (const { samples, p50_ms } of report.copy_lag) assert.ok(samples > 5 && p50_ms > 0);
    const goals = report.goals.filter(({ goal }) => /recover|copies/.test(goal));
    // CPU and latency, on to off, and with copies; a restore after each loss; the lag at either rate
    assert.equal(goals.length, 9, run.output);
    assertNothingLeft(folder);
  }),
);

test("the other suites: dropin, clients, relay, interest, seed, scale", native, () =>
  withFolder(async (folder) => {
    const flags = ["--quick", "--suite", "dropin,relay,clients,interest,seed,scale", "--systems", "socketmesh"];
    const run = start(flags, { folder });
    assert.equal(await run.ended, 0, run.output);
    const report = JSON.parse(readFileSync(join(folder, "results/latest.json"), "utf8"));
    const carried = report.dropin.filter(({ way }) => way === "carry");
    assert.equal(carried.length, 3);
    for (const row of carried) assert.ok(row.lost === 0 && row.p50_us > 0);
    const own = report.relay.filter((row) => row.system.startsWith("socketmesh"));
    assert.deepEqual(own.map((row) => row.lost), [0, 0, 0, 0, 0, 0]);
    assert.deepEqual(report.clients.map((row) => [row.connections, row.lost]), [[300, 0], [300, 0]]);
    assert.ok(report.clients.every((row) => row.p999_ms >= row.p99_ms && row.p99_ms >= row.p50_ms));
    assert.equal(report.interest[0].rooms, 10_000);
    assert.ok(report.interest[0].wire_bytes_per_room > 9 * 9); // a hash and an op for each peer
    assert.deepEqual([report.seed[0].connections, report.seed[0].lost], [1000, 0]);
    assert.deepEqual(report.scale.map((entry) => entry.sidecars), [10, 20, 1000]);
    assert.ok(readFileSync(join(folder, "results/index.html"), "utf8").includes("</html>"));
    assertNothingLeft(folder);
  }),
);

test("a system that can't run is named with its remedy", () =>
  withFolder(async (folder) => {
    const run = start(["--quick", "--systems", "redis"], { folder, path: "/nonexistent" });
    assert.equal(await run.ended, 1);
    assert.match(run.output, /redis is left out: no redis-server here: apt-get install redis-server/);
  }));

test("an option that can't be used ends with 2 and the usage", () =>
  withFolder(async (folder) => {
    const run = start(["--systems", "carrier-pigeon"], { folder });
    assert.equal(await run.ended, 2);
    assert.match(run.output, /no system 'carrier-pigeon'; there are: socketmesh, socketmesh-mtls/);
  }));

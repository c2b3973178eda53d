import assert from "node:assert/strict";
import { test } from "node:test";
import { below } from "../suites/copy_lag.mjs";
import { judged, ratios } from "../lib/goals.mjs";
import { changes, seriesOf } from "../lib/regressions.mjs";
import { historyLine, mergedWith } from "../lib/results.mjs";
import { page } from "../page/page.mjs";
import { extrapolated } from "../suites/scale.mjs";
import { asMarkdown, asText, tablesOf } from "../lib/tables.mjs";

function row(system, offered_per_s, figures) {
  return {
    suite: "adapter",
    system,
    servers: 3,
    holders: 3,
    publishers: 1,
    bytes: 128,
    offered_per_s,
    sustained_per_s: 100,
    lost: 0,
    cpu_us_per_emit: 10,
    publisher_cpu_us_per_emit: 5,
    p50_ms: 1,
    p99_ms: 2,
    p999_ms: 3,
    cpu_us_by_role: { publisher: 5, receivers: 3, broker: 2 },
    spread: { sustained_per_s: 0, cpu_us_per_emit: 0 },
    ...figures,
  };
}

function report(rows) {
  return {
    date: "2026-01-01T00:00:00Z",
    commit: "0123456789abcdef",
    machine: { ...kMachine },
    settings: { runs: 1, seconds: 1 },
    versions: { node: "20" },
    rows,
    ratios: ratios(rows),
    convergence: [{ system: "socketmesh", own_ms: 12, others_ms: 130, worst_ms: 140, runs: 1 }],
    memory: [{ system: "socketmesh", processes: 3, largest_resident_mib: 9, total_resident_mib: 27 }],
    relay: [
      { ...kRelay, system: "socketmesh", deliveries_per_cpu_s: 300 },
      { ...kRelay, system: "nats", deliveries_per_cpu_s: 200 },
    ],
    goals: [],
    skipped: [],
    failed: [],
  };
}

const kMachine = { cpu: "any", cores: 2, memory_gib: 4, os: "any", kernel: "6", load_before: 0 };
const kRelay = {
  ...{ publishers: 1, subscribers: 5, bytes: 128, deliveries_per_s: 10, spread: 0, lost: 0 },
  cpu_us_per_delivery: 1,
};

test("ratios: to the sharded row of the same scenario, and none without one", () => {
  const found = ratios([
    row("socketmesh", 0, { sustained_per_s: 550, p50_ms: 0.5 }),
    row("redis-sharded", 0),
    row("socketmesh", 12_000, { cpu_us_per_emit: 4 }),
  ]);
  assert.equal(found.length, 1);
  assert.equal(found[0].sustained, 5.5);
  assert.equal(found[0].p50, 0.5);
});

test("goals: met, missed, and missed for a loss whatever the ratio", () => {
  const verdict = (rows, goal) => judged(report(rows)).find((each) => each.goal.startsWith(goal)).met;
  const fast = { sustained_per_s: 600 };
  assert.equal(verdict([row("socketmesh", 0, fast), row("redis-sharded", 0)], "sustained"), true);
  assert.equal(verdict([row("socketmesh", 0), row("redis-sharded", 0)], "sustained"), false);
  const lossy = row("socketmesh", 0, { ...fast, lost: 1 });
  assert.equal(verdict([lossy, row("redis-sharded", 0)], "sustained"), false);
  assert.equal(verdict([], "a third server"), false);
  assert.equal(verdict([], "an idle sidecar"), true);
});

test("goals: p99 against every other adapter, and the publisher's cost by receivers", () => {
  const verdict = (rows, goal) => judged(report(rows)).find((each) => each.goal.startsWith(goal)).met;
  const paced = (system, p99_ms) => row(system, 12_000, { p99_ms });
  const p99 = "p99 at 12,000/s the lowest of all, all";
  assert.equal(verdict([paced("socketmesh", 2), paced("cluster", 3), paced("redis", 4)], p99), true);
  assert.equal(verdict([paced("socketmesh", 2), paced("cluster", 1), paced("redis", 4)], p99), false);
  const many = (publisher_cpu_us_per_emit) =>
    row("socketmesh", 12_000, { servers: 15, holders: 15, publisher_cpu_us_per_emit });
  const flat = "publisher's Node CPU an emit, 1→15";
  assert.equal(verdict([many(5.5), row("socketmesh", 12_000)], flat), true);
  assert.equal(verdict([many(7), row("socketmesh", 12_000)], flat), false);
  assert.equal(verdict([], "relay alone, 1→5"), true);
});

test("goals: recovery on against off, and restores that are whole and soon", () => {
  const suite = "recovery";
  const on = (figures, system = "socketmesh-recovery") => [
    row(system, 12_000, { suite, ...figures }),
    row("socketmesh", 12_000, { cpu_us_per_emit: 1 }), // another suite's: other rounds
    row("socketmesh", 12_000, { suite }),
  ];
  const cost = (figures, what) =>
    judged(report(on(figures))).find(({ goal }) => goal.startsWith(`recovery on, no copies: ${what}`)).met;
  assert.equal(cost({ cpu_us_per_emit: 13 }, "CPU"), true);
  assert.equal(cost({ cpu_us_per_emit: 13.1 }, "CPU"), false);
  assert.equal(cost({ p50_ms: 1.2 }, "median"), true);
  assert.equal(cost({ p50_ms: 1.21 }, "median"), false);
  const copies = judged(report(on({ cpu_us_per_emit: 14 }, "socketmesh-copies")));
  assert.deepEqual(copies.filter(({ goal }) => goal.startsWith("recovery on, a copy")).map(({ met }) => met), [false, true]);
  const kBack = { system: "socketmesh-recovery", loss: "killed", sessions: 9, recovered: 9, missing_messages: 0 };
  const restored = (figures) =>
    judged({ ...report([]), recovery: [{ ...kBack, p99_ms: 200, ...figures }] })
      .find(({ goal }) => goal.includes("restoreSession")).met;
  assert.equal(restored({}), true);
  assert.equal(restored({ p99_ms: 201 }), false);
  assert.equal(restored({ recovered: 8 }), false);
  assert.equal(restored({ missing_messages: 1 }), false);
});

test("goals: copies that are not far behind", () => {
  const lag = (figures) =>
    judged({ ...report([]), copy_lag: [{ system: "socketmesh-copies", offered_per_s: 12_000, ...figures }] })
      .find(({ goal }) => goal === "lag of copies at 12,000/s, p99").met;
  assert.equal(lag({ p99_ms: 2 }), true);
  assert.equal(lag({ p99_ms: 3 }), false);
  assert.equal(lag({}), false);
});

test("the share of a histogram lies below the bound of its bucket", () => {
  const counts = new Map([["100", 0], ["1000", 98], ["2000", 1], ["more", 1]]);
  assert.equal(below(counts, 0.5), 1);
  assert.equal(below(counts, 0.98), 1);
  assert.equal(below(counts, 0.99), 2);
  assert.equal(below(counts, 1), undefined);
  assert.equal(below(new Map([["100", 0]]), 0.5), undefined);
});

test("tables: one for each scenario, columns aligned, Markdown with as many cells as heads", () => {
  const tables = tablesOf(report([row("socketmesh", 0), row("redis-sharded", 0), row("redis", 500)]));
  assert.deepEqual(
    tables.slice(0, 2).map(({ rows }) => rows.length),
    [2, 1],
  );
  const [, header, , ...lines] = asText(tables[0]).split("\n");
  for (const line of lines) assert.equal(line.length, header.length);
  const cells = asMarkdown(tables[0])
    .split("\n")
    .slice(2)
    .map((line) => line.split("|").length);
  assert.equal(new Set(cells).size, 1);
});

test("history: one line of figures by scenario", () => {
  const line = historyLine({ ...report([row("redis", 0)]), date: "d", commit: "c", settings: {} });
  assert.deepEqual(line.rows, { "redis 3/3 128 0": [100, 10, 1, 2, 0] });
  assert.equal(JSON.stringify(line).includes("\n"), false);
});

test("merging: what was measured again is replaced, the rest is kept with its date; ratios only within a run", () => {
  const before = mergedWith(undefined, report([row("socketmesh", 0), row("redis-sharded", 0), row("redis", 0)]));
  assert.equal(before.ratios.length, 2);
  const next = { ...report([row("socketmesh", 0, { sustained_per_s: 300 })]), date: "2026-01-02T00:00:00Z" };
  const merged = mergedWith(before, next);
  assert.deepEqual(
    merged.rows.map(({ system, sustained_per_s, date }) => [system, sustained_per_s, date.slice(0, 10)]),
    [
      ["socketmesh", 300, "2026-01-02"],
      ["redis-sharded", 100, "2026-01-01"],
      ["redis", 100, "2026-01-01"],
    ],
  );
  assert.deepEqual(merged.ratios.map(({ system }) => system), ["redis"]);
  const elsewhere = mergedWith(before, { ...next, machine: { cpu: "other", cores: 8 } });
  assert.equal(elsewhere.rows.length, 1);
});

test("changes: the last run against the median of those before it, on one machine", () => {
  const line = (cpu, machine = "here") => ({
    ...{ date: `d${cpu}`, commit: "c", machine },
    rows: { "socketmesh 3/3 128 12000": [1, cpu, 1, 1, 0], "redis-sharded 3/3 128 12000": [1, 100, 1, 1, 0] },
  });
  const lines = [line(50), line(40), line(45), line(1, "elsewhere"), line(60)];
  const [change] = changes(lines);
  assert.deepEqual([change.before, change.now, change.verdict], [0.45, 0.6, "WORSE"]);
  assert.equal(Object.values(seriesOf(lines))[0].points.length, 4);
  assert.equal(changes([line(50), line(30)])[0].verdict, "better");
  assert.equal(changes([line(50), line(51)])[0].verdict, "");
  assert.deepEqual(changes([line(50)]), []);
});

test("the page: goals, a bar for each system, and nothing that is fetched", () => {
  const full = report([row("socketmesh", 0), row("redis-sharded", 0), row("socketmesh", 12_000)]);
  const merged = mergedWith(undefined, full);
  const html = page(merged, [historyLine(full)]);
  assert.match(html, /sustained without loss, all hold the room.*missed/s);
  assert.equal(html.match(/<title>SocketMesh: 100 emits\/s<\/title>/g).length, 1);
  assert.equal(/.{40}((src|href)=|NaN|undefined).{40}/.exec(html)?.[0], undefined);
});

test("extrapolated: a line through the last two sizes", () => {
  const size = (sidecars, kib) => ({
    ...{ sidecars, links: sidecars - 1, resident_kib: kib, start_bytes: 10 * sidecars },
    ...{ rest_bytes_per_s: sidecars, join_bytes: sidecars, start_ms: 3, start_cpu_ms: 1 },
  });
  const entry = extrapolated([size(50, 100), size(100, 150), size(300, 350)], 1000);
  assert.deepEqual([entry.links, entry.resident_kib, entry.start_ms], [999, 1050, 3]);
  assert.equal(entry.extrapolated, true);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { judged, ratios } from "../lib/goals.mjs";
import { historyLine } from "../lib/results.mjs";
import { asMarkdown, asText, tablesOf } from "../lib/tables.mjs";

function row(system, offered_per_s, figures) {
  return {
    suite: "adapter",
    system,
    servers: 3,
    holders: 3,
    bytes: 128,
    offered_per_s,
    sustained_per_s: 100,
    lost: 0,
    cpu_us_per_emit: 10,
    publisher_cpu_us_per_emit: 5,
    p50_ms: 1,
    p99_ms: 2,
    spread: { sustained_per_s: 0, cpu_us_per_emit: 0 },
    ...figures,
  };
}

function report(rows) {
  return {
    machine: { cpu: "any", cores: 2 },
    rows,
    ratios: ratios(rows),
    convergence: [{ system: "socketmesh", own_ms: 12, others_ms: 130, worst_ms: 140, runs: 1 }],
    memory: [{ system: "socketmesh", processes: 3, largest_resident_mib: 9, total_resident_mib: 27 }],
    goals: [],
  };
}

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

// `make lab`: every case on every system, one after the other, and the report.
//
//   SYSTEM="redis-single-node socketmesh"   only these · CASE="delivery rolling"   only these
//   LAB_PORT=21000   the first port · LAB_OUT=lab/report   where the report is written · MONGO_URL
//
// Exit codes: 0 all that ran is as expected, or a foreign system's finding · 1 one of ours is not, or could
// not run · 2 a selection that names nothing. Nothing that is started here outlives this process.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Household } from "../bench/lib/household.mjs";
import { CASES } from "./cases.mjs";
import { environment } from "./lib/environment.mjs";
import { optionsFrom, SelectionError } from "./lib/options.mjs";
import { keepRecord, writeReport } from "./lib/report/write.mjs";
import { runCase } from "./lib/run_case.mjs";
import { portsFrom, Stage } from "./lib/stage.mjs";
import { SYSTEMS, whyNot } from "./systems.mjs";

const MARKS = { held: "✓", finding: "✗", broken: "✗ BROKEN", failed: "! FAILED", skipped: "–" };

const say = (text) => process.stdout.write(text);

function chosen() {
  try {
    return optionsFrom(process.env, {
      systems: SYSTEMS.map(({ name }) => name),
      cases: CASES.map(({ id }) => id),
      out: fileURLToPath(new URL("report", import.meta.url)),
    });
  } catch (error) {
    if (!(error instanceof SelectionError)) throw error;
    process.stderr.write(`lab: ${error.message}\n`);
    return process.exit(2);
  }
}

const options = chosen();
const household = new Household("lab");
const begun = performance.now();
const runs = [];
rmSync(join(options.out, "runs"), { recursive: true, force: true });
mkdirSync(join(options.out, "runs"), { recursive: true });

const report = {
  runs,
  date: new Date().toISOString().slice(0, 16).replace("T", " "),
  environment: environment(),
  systems: SYSTEMS.filter(({ name }) => options.systems.includes(name)),
  cases: CASES.filter(({ id }) => options.cases.includes(id)),
};

/** After every run, so that a run that is broken off leaves a report too. */
function note(run) {
  runs.push(keepRecord(options.out, run));
  writeReport(options.out, { ...report, took_s: elapsed() });
}

function elapsed() {
  return Math.round((performance.now() - begun) / 1000);
}

/** A line for each run: the verdict, and what is worth knowing at a glance. */
function line({ verdict, reason, measures: m, results = [] }) {
  if (reason) return `${MARKS[verdict]}  ${reason}`;
  const unmet = results.filter(({ held }) => !held).map(({ measure, found }) => `${measure} ${found}`);
  const figures = m.due > 0 ? `${m.received}/${m.due} delivered, p50 ${m.p50_ms} ms, p99 ${m.p99_ms} ms` : "";
  return `${MARKS[verdict]}  ${[...unmet, figures].filter(Boolean).join(" · ")}`;
}

async function runSystem(system, cases, ports) {
  let stage;
  const failAll = (verdict, reason, rest) => {
    for (const aCase of rest) note({ system: system.name, case: aCase.id, verdict, reason });
    say(`  ${MARKS[verdict]}  ${reason}\n`);
  };
  const reason = whyNot(system);
  if (reason) return failAll("skipped", reason, cases);
  for (const [i, aCase] of cases.entries()) {
    if (stage && stage.variant !== aCase.variant) {
      await stage.stop();
      stage = undefined;
    }
    if (!stage) {
      say(`  ${"starting".padEnd(18)}`);
      const from = performance.now();
      try {
        stage = await Stage.start(household, system, ports, aCase.variant);
        say(`${((performance.now() - from) / 1000).toFixed(1)} s\n`);
      } catch (error) {
        say("\n");
        return failAll("failed", error.message, cases.slice(i));
      }
    }
    say(`  ${aCase.id.padEnd(18)}`);
    const run = await runCase(household, stage, aCase, `${system.name}.${aCase.id}`).catch((error) => {
      return { system: system.name, case: aCase.id, verdict: "failed", reason: error.message };
    });
    note(run);
    say(`${line(run)}\n`);
    const stillGood = !aCase.spoils && run.verdict !== "failed" && (await isGood(stage));
    if (!stillGood || i === cases.length - 1) {
      await stage.stop();
      stage = undefined;
    }
  }
  return undefined;
}

function isGood(stage) {
  return stage.converged(8000).then(() => true, () => false);
}

for (const system of report.systems) {
  const cases = report.cases.filter(({ only }) => !only || system[only]);
  say(`${system.title} (${system.parts})\n`);
  await runSystem(system, cases, portsFrom(options.port, SYSTEMS.indexOf(system)));
}
await household.endAll();

const kept = { ...report, systems: options.systems, cases: options.cases, took_s: elapsed() };
writeFileSync(join(options.out, "index.json"), `${JSON.stringify(kept, null, 1)}\n`);
const ours = new Set(SYSTEMS.flatMap((system) => (system.ours ? [system.name] : [])));
const bad = runs.filter(({ system, verdict }) => ours.has(system) && ["broken", "failed", "skipped"].includes(verdict));
say(`\n${runs.length} runs in ${elapsed()} s; the report: ${join(options.out, "index.html")}\n`);
for (const { system, case: id, verdict } of bad) say(`${verdict}: ${id} on ${system}\n`);
process.exit(bad.length > 0 ? 1 : 0);

// The benchmark suite: measures the systems, prints tables, goals and what changed, and writes
// bench/results and bench/report. `node bench/run.mjs --help` lists the options. Exit code: 0, also when
// a goal is missed or a system is not installed (both are printed); 1 when a system failed; 2 for an
// option that can't be used.
import { fileURLToPath } from "node:url";
import { Household } from "./lib/household.mjs";
import { commit, machine, versions } from "./lib/machine.mjs";
import { parseOptions, usage } from "./lib/options.mjs";
import { keep } from "./lib/results.mjs";
import { asText, legend, tablesOf } from "./lib/tables.mjs";
import { writePage } from "./page/page.mjs";
import * as adapter from "./suites/adapter.mjs";
import * as clients from "./suites/clients.mjs";
import * as convergence from "./suites/convergence.mjs";
import * as dropin from "./suites/dropin.mjs";
import * as interest from "./suites/interest.mjs";
import * as memory from "./suites/memory.mjs";
import * as recovery from "./suites/recovery.mjs";
import * as relay from "./suites/relay.mjs";
import * as scale from "./suites/scale.mjs";
import * as seed from "./suites/seed.mjs";
import { systemNamed } from "./systems/index.mjs";

const kSuites = [memory, convergence, adapter, dropin, recovery, relay, clients, interest, seed, scale];
const kBusyLoad = 0.5;
const kPageFolder = fileURLToPath(new URL("report", import.meta.url));

function log(line) {
  console.log(line);
}

function chosen() {
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
    return { options, wanted: options.systems.map(systemNamed) };
  } catch (error) {
    console.error(`bench: ${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

const { options, wanted } = chosen();
if (options.help) {
  log(usage);
  process.exit(0);
}

const household = new Household();
const skipped = wanted.flatMap((system) => {
  const reason = system.missing();
  return reason ? [{ system: system.name, reason }] : [];
});
for (const { system, reason } of skipped) log(`${system} is left out: ${reason}`);
const systems = wanted.filter((system) => !skipped.some(({ system: name }) => name === system.name));
if (systems.length === 0) {
  console.error("bench: none of the systems can run here");
  process.exit(1);
}

const report = {
  date: new Date().toISOString(),
  ...commit(),
  machine: machine(),
  versions: versions(systems),
  settings: { runs: options.runs, seconds: options.seconds, quick: options.quick },
  rows: [],
  convergence: [],
  memory: [],
  dropin: [],
  recovery: [],
  copy_lag: [],
  relay: [],
  clients: [],
  interest: [],
  seed: [],
  scale: [],
  skipped,
  failed: [],
};
if (report.machine.load_before > kBusyLoad) {
  log(`others use this machine (load ${report.machine.load_before}): trust the ratios only`);
}

for (const suite of kSuites) {
  if (!options.suites.includes(suite.name)) continue;
  await suite.run({ household, systems, options, report, log });
}
await household.endAll();

const folder =
  options.outFolder ??
  fileURLToPath(new URL(options.quick ? "tmp" : "results", import.meta.url));
const kept = keep(folder, report);
const page = writePage(folder, options.outFolder || options.quick ? folder : kPageFolder);

for (const table of tablesOf({ ...kept, ...report, ratios: kept.ratios, goals: kept.goals }))
  log(`\n${asText(table)}`);
log(`\n${legend.join("\n")}`);
for (const { suite, system, reason } of report.failed) log(`\n${system} failed (${suite}): ${reason}`);
log(`\nwritten: ${folder}/latest.json, latest.md, history.jsonl, and ${page}`);
process.exit(report.failed.length > 0 ? 1 : 0);

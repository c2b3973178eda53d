// Where results are kept: latest.json and latest.md, and a line a run in history.jsonl.
//
// latest.json holds the newest entry of everything that was ever measured on this machine: a run of one
// suite replaces what it measured and leaves the rest. Each entry says from which commit and date it is.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemNamed } from "../systems/index.mjs";
import { judged, ratios } from "./goals.mjs";
import { changes } from "./regressions.mjs";
import { asMarkdown, legend, tablesOf } from "./tables.mjs";

/** The lists of entries in a report, and what makes two entries the same measurement. */
const kSections = {
  rows: ["suite", "system", "servers", "holders", "publishers", "bytes", "offered_per_s"],
  convergence: ["system"],
  memory: ["system"],
  dropin: ["way", "offered_per_s"],
  recovery: ["system", "loss", "sessions"],
  copy_lag: ["system", "offered_per_s"],
  relay: ["system", "publishers", "subscribers"],
  clients: ["system", "connections", "offered_per_s"],
  interest: ["system"],
  seed: ["system"],
  scale: ["sidecars"],
};

/** Adds the run to `folder`; resolves to the report with what was kept before, judged anew. */
export function keep(folder, report) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "latest.json");
  const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  const merged = mergedWith(before, report);
  appendFileSync(join(folder, "history.jsonl"), `${JSON.stringify(historyLine(report))}\n`);
  merged.changes = changes(history(folder));
  writeFileSync(file, `${JSON.stringify(merged, null, 2)}\n`);
  writeFileSync(join(folder, "latest.md"), markdown(merged));
  return merged;
}

/** Every run that was kept, oldest first. */
export function history(folder) {
  const file = join(folder, "history.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
}

export function mergedWith(before, report) {
  const sameMachine = before && machineName(before.machine) === machineName(report.machine);
  const merged = { ...report };
  const stamp = { date: report.date, commit: report.commit?.slice(0, 12) };
  for (const [section, keys] of Object.entries(kSections)) {
    const fresh = (report[section] ?? []).map((entry) => ({ ...entry, ...stamp }));
    const replaced = (entry) =>
      fresh.some((other) => keys.every((key) => (entry[key] ?? 1) === (other[key] ?? 1)));
    const kept = sameMachine ? (before[section] ?? []).filter((entry) => !replaced(entry)) : [];
    merged[section] = [...fresh, ...kept];
  }
  if (sameMachine) merged.versions = { ...before.versions, ...report.versions };
  merged.ratios = ratios(merged.rows);
  merged.goals = judged(merged);
  return merged;
}

function machineName({ cpu, cores }) {
  return `${cpu}, ${cores} cores`;
}

/** One compact line: a figure by "system servers/holders bytes rate", to see a regression by commit. */
export function historyLine(report) {
  const { date, commit, modified, machine, settings, rows, convergence, memory } = report;
  const { relay = [], clients = [], interest = [], seed = [] } = report;
  const table = (entries, name, figures) =>
    Object.fromEntries(entries.map((entry) => [name(entry), figures(entry)]));
  return {
    date,
    commit,
    modified,
    machine: machineName(machine),
    load_before: machine.load_before,
    settings,
    rows: table(rows, rowName, (row) =>
      [row.sustained_per_s, row.cpu_us_per_emit, row.p50_ms, row.p99_ms, row.lost],
    ),
    convergence_ms: table(convergence, (each) => each.system, (each) => each.worst_ms),
    idle_mib: table(memory, (each) => each.system, (each) => each.largest_resident_mib),
    relay_per_cpu_s: table(
      relay,
      (row) => `${row.system} ${row.publishers}→${row.subscribers}`,
      (row) => row.deliveries_per_cpu_s,
    ),
    clients: table(
      clients,
      (row) => `${row.system} ${row.connections} ${row.offered_per_s}`,
      (row) => [row.deliveries_per_s, row.cpu_us_per_delivery, row.p50_ms, row.p99_ms, row.lost],
    ),
    interest_mib: table(interest, (each) => each.system, (each) => each.largest_resident_mib),
    connections: table(seed, (each) => each.system, (each) => each.connections),
  };
}

function rowName({ suite, system, servers, holders, publishers = 1, bytes, offered_per_s }) {
  const many = publishers > 1 ? ` by ${publishers}` : "";
  const where = suite === "adapter" ? "" : `${suite}: `;
  return `${where}${system} ${servers}/${holders}${many} ${bytes} ${offered_per_s}`;
}

function markdown(report) {
  const { machine, versions, settings } = report;
  const ran = [...new Set(report.rows.map((row) => row.system))];
  const dates = new Set(Object.keys(kSections).flatMap((key) => report[key].map(({ date }) => date)));
  return [
    "# Benchmark results",
    "",
    `${report.date}, commit ${report.commit ?? "unknown"}${report.modified ? " with changes" : ""}. ` +
      `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, ${machine.os}, ` +
      `Linux ${machine.kernel}; load before: ${machine.load_before}. ` +
      `${settings.runs} runs of ${settings.seconds} s.`,
    "",
    ...(dates.size > 1
      ? [`Entries are of ${dates.size} runs; latest.json says of which commit each is.`, ""]
      : []),
    Object.entries(versions)
      .map(([component, version]) => `${component} ${version}`)
      .join(" · "),
    "",
    ...tablesOf(report).flatMap((table) => [asMarkdown(table), ""]),
    ...[...report.skipped, ...report.failed].flatMap(({ system, reason }) => [
      `**${system}** did not run: ${reason}`,
      "",
    ]),
    "### Reading the tables",
    "",
    ...legend.map((line) => `- ${line}`),
    ...ran.map((name) => `- ${systemNamed(name).title} promises: ${systemNamed(name).promises}.`),
    "",
  ].join("\n");
}

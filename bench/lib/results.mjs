// Where results are kept: latest.json and latest.md (overwritten), history.jsonl (a line a run).
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemNamed } from "../systems/index.mjs";
import { asMarkdown, legend, tablesOf } from "./tables.mjs";

export function keep(folder, report) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "latest.json"), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, "latest.md"), markdown(report));
  appendFileSync(join(folder, "history.jsonl"), `${JSON.stringify(historyLine(report))}\n`);
}

/** One compact line: a figure by "system servers/holders bytes rate", to see a regression by commit. */
export function historyLine({ date, commit, modified, machine, settings, rows, convergence, memory }) {
  return {
    date,
    commit,
    modified,
    machine: `${machine.cpu}, ${machine.cores} cores`,
    load_before: machine.load_before,
    settings,
    rows: Object.fromEntries(
      rows.map((row) => [
        `${row.system} ${row.servers}/${row.holders} ${row.bytes} ${row.offered_per_s}`,
        [row.sustained_per_s, row.cpu_us_per_emit, row.p50_ms, row.p99_ms, row.lost],
      ]),
    ),
    convergence_ms: Object.fromEntries(convergence.map((each) => [each.system, each.worst_ms])),
    idle_mib: Object.fromEntries(memory.map((each) => [each.system, each.largest_resident_mib])),
  };
}

function markdown(report) {
  const { machine, versions, settings } = report;
  const ran = [...new Set(report.rows.map((row) => row.system))];
  return [
    "# Benchmark results",
    "",
    `${report.date}, commit ${report.commit ?? "unknown"}${report.modified ? " with changes" : ""}. ` +
      `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, ${machine.os}, ` +
      `Linux ${machine.kernel}; load before: ${machine.load_before}. ` +
      `${settings.runs} runs of ${settings.seconds} s.`,
    "",
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

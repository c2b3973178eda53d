// A report as tables, and tables as text or Markdown. A table: {title, header: [], rows: [[]]}; the
// first column is text, the others are figures.
import { sameScenario } from "./goals.mjs";
import { systemNamed } from "../systems/index.mjs";
import { suiteTables } from "./suite_tables.mjs";

export const legend = [
  "emits/s: emits delivered to every holder of the room, divided by the time from the first emit to the" +
    " last delivery to the slowest (±: half of largest minus smallest run, to the median). Saturation" +
    " pushes 64 emits a turn of the event loop; a system that loses messages so is paced down until it" +
    " loses none, and the table says at which rate.",
  "CPU: user and system time of every process, from before the first emit to the end of the drain," +
    " divided by emits. Latency: every 16th message, the receiver's clock minus the time of the emit.",
  "lost: deliveries that never came within 2.5 s after the last emit, summed over holders and runs.",
  "Medians over runs; systems took turns; × is the ratio to redis-sharded in the same run.",
  "Clients: latency is from the time at which an emit was due, over all deliveries. Relay: CPU of the" +
    " relay's processes only.",
];

export function tablesOf(report) {
  const tables = [];
  for (const first of report.rows) {
    if (report.rows.find((row) => sameScenario(row, first)) !== first) continue;
    tables.push(scenarioTable(report, first));
  }
  tables.push(...suiteTables(report));
  if (report.goals.length > 0) {
    tables.push({
      title: "Goals",
      header: ["goal", "wanted", "measured", ""],
      rows: report.goals.map(({ goal, wanted, measured, met }) => [
        goal,
        wanted,
        measured,
        met ? "met" : "MISSED",
      ]),
    });
  }
  if (report.changes?.length > 0) {
    tables.push({
      title: "Changes against the median of earlier runs on this machine",
      header: ["figure", "before", "now", "change", ""],
      rows: report.changes.map(({ figure, before, now, change, verdict }) => [
        figure,
        String(before),
        String(now),
        `${change > 0 ? "+" : ""}${Math.round(100 * change)}%`,
        verdict,
      ]),
    });
  }
  return tables;
}

function scenarioTable(report, scenario) {
  const { suite, servers, holders, publishers = 1, bytes, offered_per_s } = scenario;
  const pace = offered_per_s === 0 ? "saturation" : `${grouped(offered_per_s)} emits/s offered`;
  const who = holders === servers ? "all hold the room" : `${holders} of ${servers} holds the room`;
  const shape =
    publishers > 1 ? `${publishers} servers, each to all others` : `1→${servers}, ${who}`;
  const why = suite === "recovery" ? "What recovery costs: " : "";
  return {
    title: `${why}${shape}, ${bytes} B, ${pace}`,
    header: [
      ...["system", "emits/s", "±", "×", "CPU µs/emit", "±", "×"],
      ...["publisher µs", "p50 ms", "×", "p99 ms", "p99.9 ms", "lost"],
    ],
    rows: report.rows.filter((row) => sameScenario(row, scenario)).map((row) => cells(report, row)),
  };
}

function cells(report, row) {
  const ratio = report.ratios.find((each) => each.system === row.system && sameScenario(each, row));
  const times = (key) => (ratio ? `${ratio[key].toFixed(2)}` : "");
  const paced = row.paced_at_per_s > 0 ? " (paced)" : "";
  return [
    systemNamed(row.system).title,
    grouped(row.sustained_per_s) + paced,
    percent(row.spread.sustained_per_s),
    times("sustained"),
    row.cpu_us_per_emit.toFixed(1),
    percent(row.spread.cpu_us_per_emit),
    times("cpu"),
    row.publisher_cpu_us_per_emit.toFixed(1),
    row.p50_ms?.toFixed(3) ?? "-",
    times("p50"),
    row.p99_ms?.toFixed(2) ?? "-",
    row.p999_ms?.toFixed(2) ?? "-",
    String(row.lost),
  ];
}

function percent(spread) {
  return `${Math.round(50 * spread)}%`;
}

export function grouped(number) {
  return number.toLocaleString("en-US");
}

export function asText({ title, header, rows }) {
  const widths = header.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [title, line(header), rule, ...rows.map(line)].join("\n");
}

export function asMarkdown({ title, header, rows }) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = line(header.map((_, column) => (column === 0 ? "---" : "---:")));
  return [`### ${title}`, "", line(header), rule, ...rows.map(line)].join("\n");
}

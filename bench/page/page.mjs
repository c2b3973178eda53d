// The results as one HTML file without script or anything fetched: `writePage`, after a run; or
// `node bench/page/page.mjs`, which makes it anew from bench/results.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { history } from "../lib/results.mjs";
import { legend, tablesOf } from "../lib/tables.mjs";
import { seriesOf } from "../lib/regressions.mjs";
import { systemNamed } from "../systems/index.mjs";
import { sections } from "./figures.mjs";
import { escaped, spark } from "./plots.mjs";

const kStyle = new URL("style.css", import.meta.url);
const kVerdicts = ["met", "MISSED", "better", "WORSE"];

/** Reads latest.json and history.jsonl of `results`, and writes index.html into `folder`. */
export function writePage(results, folder) {
  const report = JSON.parse(readFileSync(join(results, "latest.json"), "utf8"));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "index.html");
  writeFileSync(file, page(report, history(results)));
  return file;
}

export function page(report, runs) {
  const tables = tablesOf(report);
  const titled = (title) => tables.filter((table) => table.title.startsWith(title));
  const rest = tables.filter(({ title }) => title !== "Goals" && !title.startsWith("Changes"));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SocketMesh benchmarks</title>
<style>${readFileSync(kStyle, "utf8")}</style>
</head>
<body><main>
<h1>SocketMesh, measured</h1>
${facts(report)}
${block("Goals", "Ratios are to @socket.io/redis-adapter, sharded, in the same run. A goal missed is explained in docs/performance.md.", titled("Goals").map(table))}
${sections(report).map(({ title, text, plots }) => block(title, text, [`<div class="plots">${plots.join("")}</div>`])).join("")}
${block("Over the commits", `Each dot is a run kept in bench/results/history.jsonl; ${runs.length} so far. What moved by more than 15 % against the median of the five runs before it is marked.`, [trend(report, runs)])}
${block("Every figure", "", rest.map((each) => `<details><summary>${escaped(each.title)}</summary>${table(each)}</details>`))}
${block("Reading it", "", [`<ul>${notes(report).map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`])}
</main></body>
</html>
`;
}

function facts({ date, commit, modified, machine, settings, versions }) {
  const lines = [
    `${date.slice(0, 16).replace("T", " ")} UTC, commit ${(commit ?? "unknown").slice(0, 12)}` +
      `${modified ? " with changes" : ""}: ${settings.runs} runs of ${settings.seconds} s each, systems taking turns.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, ${machine.os}, Linux ${machine.kernel};` +
      ` load before: ${machine.load_before}. Everything runs on this one machine.`,
    Object.entries(versions).map(([component, version]) => `${component} ${version}`).join(" · "),
  ];
  return lines.map((line) => `<p class="facts">${escaped(line)}</p>`).join("");
}

function block(title, text, parts) {
  if (parts.length === 0) return "";
  const lead = text ? `<p>${escaped(text)}</p>` : "";
  return `<h2>${escaped(title)}</h2>${lead}${parts.join("")}`;
}

function table({ header, rows }) {
  const cell = (text) =>
    kVerdicts.includes(text)
      ? `<td><span class="verdict ${text}">${text.toLowerCase()}</span></td>`
      : `<td>${escaped(text)}</td>`;
  const head = header.map((text) => `<th>${escaped(text)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("");
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function trend(report, runs) {
  const verdicts = new Map((report.changes ?? []).map(({ figure, verdict }) => [figure, verdict]));
  const rows = Object.entries(seriesOf(runs)).map(([figure, { higher, points }]) => {
    const verdict = verdicts.get(figure);
    const mark = verdict ? `<span class="verdict ${verdict}">${verdict.toLowerCase()}</span>` : "";
    return (
      `<tr><td>${escaped(figure)}</td><td>${spark(points)}</td><td>${points.at(-1).value}</td>` +
      `<td>${higher ? "more" : "less"} is better</td><td>${mark}</td></tr>`
    );
  });
  return `<div class="scroll"><table><tbody>${rows.join("")}</tbody></table></div>`;
}

function notes(report) {
  const ran = [...new Set(report.rows.map((row) => row.system))].map(systemNamed);
  const missing = [...(report.skipped ?? []), ...(report.failed ?? [])].map(
    ({ system, reason }) => `${system} did not run: ${reason}.`,
  );
  return [...legend, ...ran.map((each) => `${each.title} promises: ${each.promises}.`), ...missing];
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const folder = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  console.log(writePage(folder("results"), folder("report")));
}

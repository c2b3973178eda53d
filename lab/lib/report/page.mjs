// The report: one page that needs nothing but itself. Pure: runs in, HTML out.

import { columnHeight } from "../timeline.mjs";
import { MEASURES } from "../verdict.mjs";
import { count, escape, plural, time, title } from "./html.mjs";
import { plot } from "./plot.mjs";
import { ABOUT, causeOf, headline, sentence } from "./words.mjs";
import { recordFile } from "./write.mjs";

const VERDICTS = {
  held: ["✓", "as expected"],
  finding: ["✗", "loses something: a finding"],
  broken: ["✗", "ours, and not as it should be"],
  failed: ["!", "the run did not come about"],
  skipped: ["–", "not run"],
};

const badge = (verdict) =>
  `<span class="badge ${verdict}" title="${VERDICTS[verdict][1]}">${VERDICTS[verdict][0]}</span>`;
const anchor = (run) => `${run.case}--${run.system}`;

/**
 * @param report {runs, systems, cases, environment, took_s, date}: `systems` and `cases` that were selected
 * @param assets {style, script}
 */
export function page(report, { style, script }) {
  const { environment: e, date, took_s } = report;
  const of = (system, aCase) =>
    report.runs.find((run) => run.system === system.name && run.case === aCase.id);
  const has = (system, probe) => report.runs.some((run) => run.system === system.name && probe(run));
  const known = report.systems.filter((system) => has(system, () => true));
  const shown = known.filter((system) => has(system, ({ verdict }) => verdict !== "skipped"));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The lab: what each system loses where</title>
<style>${style}</style>
</head>
<body>
<header>
  <p class="kicker">SocketMesh lab</p>
  <h1>What each system loses, and where</h1>
  <p class="lead">One chat, ${plural(shown.length, "system")}, ${plural(report.cases.length, "case")}: real servers, real
  balancers, real clients, and the same things happening to all of them. Every figure below comes from the records of
  these very runs, which lie beside this page.</p>
  <p class="meta">${escape(date)} · ${escape(e.machine.cpu)}, ${e.machine.cores} cores · commit ${escape(e.commit ?? "unknown")} ·
  ${plural(report.runs.length, "run")} in ${Math.ceil(took_s / 60)} min</p>
</header>
<main>
${matrix(shown, report.cases, of)}
${cards(known, report.runs, report.cases)}
${report.cases.map((aCase) => section(aCase, shown, of)).join("\n")}
${reading(e)}
</main>
<div id="tip" hidden></div>
<script>${script}</script>
</body>
</html>
`;
}

function matrix(systems, cases, of) {
  const cell = (system, aCase) => {
    const run = of(system, aCase);
    if (!run) return `<td class="none"><span title="this system has no such part">·</span></td>`;
    const [main, beside] = headline(run, aCase);
    return `<td class="${run.verdict}"><a href="#${anchor(run)}">${badge(run.verdict)}<span><b>${escape(main)}</b>${beside ? `<small>${escape(beside)}</small>` : ""}</span></a></td>`;
  };
  const head = systems
    .map((system) => `<th scope="col"><a href="#about-${system.name}">${escape(system.title)}</a></th>`)
    .join("");
  const rows = cases
    .map(
      (aCase) =>
        `<tr><th scope="row"><a href="#${aCase.id}">${title(aCase.title)}</a></th>${systems.map((system) => cell(system, aCase)).join("")}</tr>`,
    )
    .join("\n");
  const legend = Object.entries(VERDICTS)
    .map(([verdict, [, means]]) => `<li>${badge(verdict)} ${means}</li>`)
    .join("");
  return `<section class="sheet">
<div class="scroll"><table class="matrix"><thead><tr><td></td>${head}</tr></thead><tbody>
${rows}
</tbody></table></div>
<ul class="legend">${legend}</ul>
</section>`;
}

function cards(systems, runs, cases) {
  const card = (system) => {
    const own = runs.filter((run) => run.system === system.name);
    const ran = own.filter(({ measures }) => measures);
    const total = (key) => ran.reduce((sum, { measures }) => sum + measures[key], 0);
    const unmet = ran.filter(({ verdict }) => verdict !== "held");
    const lost = total("missing");
    const figures = ran.length
      ? `<dl class="figures"><div><dt>cases held</dt><dd>${ran.length - unmet.length}<small> of ${ran.length}</small></dd></div>
<div><dt>deliveries lost</dt><dd class="${lost ? "bad" : "good"}">${count(lost)}<small> of ${count(total("due"))}</small></dd></div>
<div><dt>sessions recovered</dt><dd>${count(total("recovered"))}<small> of ${count(total("disconnects"))}</small></dd></div></dl>`
      : `<p class="reason">${escape(own[0]?.reason ?? "")}</p>`;
    return `<article class="card" id="about-${system.name}"><h3>${escape(system.title)}${system.ours ? ` <span class="ours">ours</span>` : ""}</h3>
<p>${escape(ABOUT[system.name] ?? "")}</p><p class="parts">${escape(system.parts)}</p>${figures}${losses(unmet, cases)}</article>`;
  };
  return `<section><h2>The systems</h2><div class="cards">${systems.map(card).join("")}</div></section>`;
}

function losses(unmet, cases) {
  if (unmet.length === 0) return "";
  const item = (run) => {
    const aCase = cases.find(({ id }) => id === run.case);
    const [main] = headline(run, aCase);
    return `<li><a href="#${anchor(run)}">${title(aCase.title)}</a>: <b>${escape(main)}</b></li>`;
  };
  return `<h4>Where it loses</h4><ul class="losses">${unmet.map(item).join("")}</ul>`;
}

function section(aCase, systems, of) {
  const runs = systems.map((system) => [system, of(system, aCase)]).filter(([, run]) => run);
  if (runs.length === 0) return "";
  const top = Math.max(
    1,
    ...runs.flatMap(([, { timeline: line }]) =>
      (line?.slices ?? []).map((slice) => columnHeight(slice, line.slice_ms)),
    ),
  );
  const hasPlot = runs.some(([, run]) => run.measures?.due > 0);
  const expects = aCase.expects
    .map(({ measure, atMost, because }) => `<li title="${escape(MEASURES[measure].label)} ≤ ${atMost}">${escape(because)}</li>`)
    .join("");
  return `<section id="${aCase.id}"><h2>${title(aCase.title)}</h2>
<p class="what">${escape(aCase.what)}</p><ul class="expects">${expects}</ul>
${hasPlot ? KEY : ""}<div class="panels${hasPlot ? "" : " small"}">${runs.map(([system, run]) => panel(system, run, aCase, top)).join("\n")}</div></section>`;
}

const KEY = `<ul class="key"><li class="inTime">in time</li><li class="late">late by over a second</li><li class="lost">never came</li>
<li class="unconfirmed">not confirmed to the sender</li><li class="fault">the fault</li><li class="p50">median</li><li class="p99">99th percentile</li></ul>`;

function panel(system, run, aCase, top) {
  const [main] = headline(run, aCase);
  const cause = run.verdict === "held" || run.verdict === "failed" ? undefined : causeOf(run);
  const body = run.measures
    ? `${run.measures.due > 0 ? plot(run, run.timeline, top) : ""}
${run.measures.due > 0 ? numbers(run.measures) : ""}
<p>${escape(sentence(run))}${cause ? ` <em>${escape(cause)}</em>` : ""}</p>
<p class="record"><a href="${recordFile(run)}">the record (JSON)</a></p>`
    : `<p class="reason">${escape(run.reason)}</p>`;
  return `<article class="panel ${run.verdict}" id="${anchor(run)}"><h3>${badge(run.verdict)}${escape(system.title)}<b>${escape(main)}</b></h3>${body}</article>`;
}

function numbers(m) {
  const rows = [
    ["sent", count(m.sent)],
    ["due", count(m.due)],
    ["received", count(m.received)],
    ["missing", count(m.missing + m.historyMissing), m.missing + m.historyMissing > 0],
    ["duplicated", count(m.duplicated), m.duplicated > 0],
    ["out of order", count(m.outOfOrder), m.outOfOrder > 0],
    ["p50", time(m.p50_ms)],
    ["p95", time(m.p95_ms)],
    ["p99", time(m.p99_ms)],
    ["max", time(m.max_ms)],
  ];
  const cells = rows.map(([name, value, bad]) => `<div${bad ? ` class="bad"` : ""}><dt>${name}</dt><dd>${value}</dd></div>`);
  return `<dl class="numbers">${cells.join("")}</dl>`;
}

function reading({ versions }) {
  const list = Object.entries(versions).filter(([, version]) => version);
  return `<section class="reading"><h2>How to read it</h2>
<ul>
<li>A <b>delivery</b> is one message at one client. Due is every message that was confirmed to its sender, at every client but the
sender, <b>also at those that were away just then</b>: that is what people in a chat expect. What was never confirmed is counted apart.</li>
<li>A column of a plot holds the deliveries of the messages <b>sent</b> in that slice of time, so that what was lost has a place.
Columns of one case have one scale. The pointer tells a slice's figures.</li>
<li>Duplicates and order are those that the app sees: with Postgres the client drops what it has, and asks for what it lacks.</li>
<li>“Whole again” is when the last message was sent that somebody got late or not at all.</li>
<li>A failing expectation of a system that is not ours is a finding. One of ours fails the command.</li>
</ul>
<p class="meta">${list.map(([name, version]) => `${escape(name)} ${escape(version)}`).join(" · ")}</p></section>`;
}

// A run as a picture (SVG): what became of the messages sent in each slice of time, how late they were, how
// many clients were there, and when the fault was. Pure; colours are the page's.

import { escape, time } from "./html.mjs";

const WIDTH = 560;
const LEFT = 44;
const RIGHT = 8;
const BARS = { top: 36, height: 104 };
const LATENCY = { top: 164, height: 62 };
const CLIENTS = { top: 248, height: 20 };
const HEIGHT = 294;
const FAULT_Y = 27;
const INNER = WIDTH - LEFT - RIGHT;
const LATENCY_DECADES = [1, 10, 100, 1000, 10_000];
const LATENCY_MAX_MS = 40_000;
const LABEL_CHAR_PX = 6.2;

const px = (value) => Number(value.toFixed(1));

/** A round number of seconds between ticks, so that there are at most eight. */
function tickSeconds(length_s) {
  return [1, 2, 5, 10, 20, 30, 60].find((step) => length_s / step <= 8) ?? 120;
}

/** The next round number from `value` up. */
function niceMax(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((nice) => nice >= value);
}

const latencyY = (ms) => {
  const part = Math.log10(Math.max(1, Math.min(ms, LATENCY_MAX_MS))) / Math.log10(LATENCY_MAX_MS);
  return px(LATENCY.top + LATENCY.height * (1 - part));
};

/**
 * @param run {system, case, marks}
 * @param line what timeline.mjs made of it
 * @param top deliveries a second in the fullest slice among all that are compared
 */
export function plot(run, line, top) {
  const end_ms = line.end_ms;
  const x = (ms) => px(LEFT + (INNER * Math.min(ms, end_ms)) / end_ms);
  const max = niceMax(top);
  const parts = [
    marks(run.marks, x),
    axes(end_ms / 1000, x, max),
    bars(line, x, max),
    latencies(line, x),
    clients(line, x),
    hits(line, x),
  ];
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(`Timeline of ${run.case} on ${run.system}`)}">${parts.join("")}</svg>`;
}

function text(x, y, value, anchor = "start", kind = "tick") {
  return `<text class="${kind}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escape(value)}</text>`;
}

function axes(length_s, x, max) {
  const out = [];
  const step = tickSeconds(length_s);
  for (let s = 0; s <= length_s; s += step) out.push(text(x(s * 1000), HEIGHT - 6, `${s} s`, "middle"));
  for (const part of [0, 0.5, 1]) {
    const y = BARS.top + BARS.height * (1 - part);
    out.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y)}" y2="${px(y)}"/>`);
    out.push(text(LEFT - 6, y + 3.5, `${Math.round(max * part)}`, "end"));
  }
  for (const ms of LATENCY_DECADES) {
    const y = latencyY(ms);
    out.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>`);
    if (ms !== 10 && ms !== 1000) out.push(text(LEFT - 6, y + 3.5, time(ms), "end"));
  }
  out.push(text(LEFT, 10, "deliveries a second, by when they were sent", "start", "name"));
  out.push(text(LEFT, LATENCY.top - 6, "latency: median and 99th percentile", "start", "name"));
  out.push(text(LEFT, CLIENTS.top - 5, "clients connected", "start", "name"));
  return out.join("");
}

function marks(list, x) {
  let free = 0;
  return list
    .map(({ at, until, label }) => {
      const [from, to] = [x(at), x(until)];
      const width = Math.max(2, to - from);
      const room = label.length * LABEL_CHAR_PX;
      const at_x = Math.min(from, WIDTH - RIGHT - room);
      // A label that would lie on the one before is left to the band's own title.
      const shown = at_x >= free;
      if (shown) free = at_x + room + 4;
      return (
        `<g class="mark"><title>${escape(label)}</title>` +
        `<rect x="${from}" y="${BARS.top}" width="${px(width)}" height="${CLIENTS.top + CLIENTS.height - BARS.top}"/>` +
        `<line x1="${from}" x2="${from}" y1="${BARS.top - 5}" y2="${CLIENTS.top + CLIENTS.height}"/></g>` +
        (shown ? text(at_x, FAULT_Y, label, "start", "fault") : "")
      );
    })
    .join("");
}

function bars({ slices, slice_ms }, x, max) {
  const gap = 0.8;
  return slices
    .map((slice, i) => {
      const left = x(i * slice_ms);
      const width = Math.max(0.8, x((i + 1) * slice_ms) - left - gap);
      let y = BARS.top + BARS.height;
      return ["inTime", "late", "lost", "unconfirmed"]
        .filter((kind) => slice[kind] > 0)
        .map((kind) => {
          const height = (BARS.height * slice[kind] * 1000) / slice_ms / max;
          y -= height;
          return `<rect class="${kind}" x="${left}" y="${px(y)}" width="${px(width)}" height="${px(height)}"/>`;
        })
        .join("");
    })
    .join("");
}

function latencies({ slices, slice_ms }, x) {
  const path = (key) => {
    let pen = "M";
    let d = "";
    slices.forEach((slice, i) => {
      if (slice[key] === null || slice[key] === undefined) return (pen = "M");
      d += `${pen}${x((i + 0.5) * slice_ms)} ${latencyY(slice[key])}`;
      return (pen = "L");
    });
    return d;
  };
  return `<path class="p99" d="${path("p99_ms")}"/><path class="p50" d="${path("p50_ms")}"/>`;
}

function clients({ connected, end_ms }, x) {
  const most = Math.max(1, ...connected.map(([, count]) => count));
  const y = (count) => px(CLIENTS.top + CLIENTS.height * (1 - count / most));
  let d = `M${x(0)} ${px(CLIENTS.top + CLIENTS.height)}`;
  for (const [at, count] of connected) d += `H${x(at)}V${y(count)}`;
  d += `H${x(end_ms)}V${px(CLIENTS.top + CLIENTS.height)}Z`;
  return `<path class="clients" d="${d}"/>${text(LEFT - 6, CLIENTS.top + 9, `${most}`, "end")}`;
}

/** What the pointer is over: one column a slice, its figures in the attribute. */
function hits({ slices, slice_ms }, x) {
  const height = LATENCY.top + LATENCY.height - BARS.top;
  return slices
    .map((slice, i) => {
      if (slice.sent === 0) return "";
      const left = x(i * slice_ms);
      const says = [
        `${((i * slice_ms) / 1000).toFixed(1)} s: ${slice.sent} sent`,
        slice.inTime && `${slice.inTime} in time`,
        slice.late && `${slice.late} late`,
        slice.lost && `${slice.lost} lost`,
        slice.unconfirmed && `${slice.unconfirmed} of unconfirmed messages`,
        slice.p50_ms !== null && `median ${time(slice.p50_ms)}, p99 ${time(slice.p99_ms)}`,
      ].filter(Boolean);
      return `<rect class="hit" data-says="${escape(says.join(" · "))}" x="${left}" y="${BARS.top}" width="${px(x((i + 1) * slice_ms) - left)}" height="${height}"/>`;
    })
    .join("");
}

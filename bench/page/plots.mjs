// Plots as SVG text: no script, no library; colours by class, so that the page's style decides them in
// light and in dark. Every mark has a <title> with its figures.

const kWidth = 720;
const kLabel = 210; // for names on the left
const kRight = 96; // for figures on the right
const kBar = 22;
const kGap = 10;
const kPlot = kWidth - kLabel - kRight;

export function escaped(text) {
  return String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
}

function svg(height, body, label) {
  return (
    `<svg viewBox="0 0 ${kWidth} ${height}" role="img" aria-label="${escaped(label)}">` +
    `${body.join("")}</svg>`
  );
}

const shortened = (value) =>
  value >= 1e6
    ? `${(value / 1e6).toPrecision(3)} M`
    : value >= 10_000
      ? `${Math.round(value / 1000)} k`
      : Number(value.toPrecision(3)).toLocaleString("en-US");

function axis(max, height) {
  return niceTicks(max).map((tick) => {
    const x = kLabel + (tick / max) * kPlot;
    return (
      `<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${height - 24}"/>` +
      `<text class="tick" x="${x}" y="${height - 8}" text-anchor="middle">${shortened(tick)}</text>`
    );
  });
}

/** Four or five round values from 0 to `max`. */
export function niceTicks(max) {
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const ticks = [];
  for (let tick = 0; tick <= max * 1.0001; tick += step) ticks.push(Number(tick.toPrecision(6)));
  return ticks;
}

/** Horizontal bars. `entries`: [{name, colour, parts: [{label, value}], note}]; parts are stacked. */
export function bars(entries, { unit, label }) {
  const sum = ({ parts }) => parts.reduce((total, { value }) => total + value, 0);
  const max = Math.max(...entries.map(sum)) * 1.02;
  const height = entries.length * (kBar + kGap) + 28;
  const body = axis(max, height);
  entries.forEach((entry, index) => {
    const y = index * (kBar + kGap) + 2;
    const middle = y + kBar / 2 + 4;
    body.push(`<text class="name" x="${kLabel - 10}" y="${middle}" text-anchor="end">${escaped(entry.name)}</text>`);
    let x = kLabel;
    entry.parts.forEach(({ label: part, value }, at) => {
      const width = (value / max) * kPlot;
      const title = `${entry.name}${part ? `, ${part}` : ""}: ${shortened(value)} ${unit}`;
      body.push(
        `<rect class="${entry.colour} part${at}" x="${x}" y="${y}" width="${Math.max(width, 1)}" height="${kBar}">` +
          `<title>${escaped(title)}</title></rect>`,
      );
      x += width;
    });
    const figure = shortened(sum(entry)) + (entry.note ? ` ${entry.note}` : "");
    body.push(`<text class="value" x="${x + 8}" y="${middle}">${escaped(figure)}</text>`);
  });
  return svg(height, body, label);
}

/** Ranges on a logarithmic axis of milliseconds: a line from p50 to p99.9 with its three marks. */
export function ranges(entries, { label }) {
  const values = entries.flatMap(({ points }) => points.map(({ value }) => value)).filter((v) => v > 0);
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values) * 1.001));
  const decades = Math.log10(high / low);
  const at = (value) => kLabel + (Math.log10(Math.max(value, low) / low) / decades) * (kPlot + kRight - 40);
  const height = entries.length * (kBar + kGap) + 28;
  const body = [];
  for (let tick = low; tick <= high * 1.001; tick *= 10) {
    body.push(
      `<line class="grid" x1="${at(tick)}" x2="${at(tick)}" y1="0" y2="${height - 24}"/>` +
        `<text class="tick" x="${at(tick)}" y="${height - 8}" text-anchor="middle">${Number(tick.toPrecision(3))} ms</text>`,
    );
  }
  entries.forEach(({ name, colour, points }, index) => {
    const y = index * (kBar + kGap) + 2 + kBar / 2;
    const shown = points.filter(({ value }) => value > 0);
    body.push(
      `<text class="name" x="${kLabel - 10}" y="${y + 4}" text-anchor="end">${escaped(name)}</text>`,
      `<line class="range ${colour}" x1="${at(shown[0].value)}" x2="${at(shown.at(-1).value)}" y1="${y}" y2="${y}"/>`,
    );
    shown.forEach(({ label: what, value }, mark) => {
      body.push(
        `<circle class="${colour} mark${mark}" cx="${at(value)}" cy="${y}" r="6">` +
          `<title>${escaped(`${name}, ${what}: ${value} ms`)}</title></circle>`,
      );
    });
  });
  return svg(height, body, label);
}

/** Lines over a few numbers on the x axis. `series`: [{name, colour, points: [[x, y]]}]. */
export function lines(series, { unit, xUnit, label }) {
  const height = 300;
  const left = 56;
  const right = 190;
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const max = Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))) * 1.08;
  const at = (x, y) => [
    left + (xs.indexOf(x) / Math.max(1, xs.length - 1)) * (kWidth - left - right),
    height - 44 - (y / max) * (height - 60),
  ];
  const body = niceTicks(max).map((tick) => {
    const [, y] = at(xs[0], tick);
    return (
      `<line class="grid" x1="${left}" x2="${kWidth - right}" y1="${y}" y2="${y}"/>` +
      `<text class="tick" x="${left - 8}" y="${y + 4}" text-anchor="end">${shortened(tick)}</text>`
    );
  });
  for (const x of xs) {
    body.push(`<text class="tick" x="${at(x, 0)[0]}" y="${height - 24}" text-anchor="middle">${x}</text>`);
  }
  body.push(
    `<text class="tick" x="${left}" y="${height - 6}">${escaped(xUnit)} · ${escaped(unit)}</text>`,
  );
  const ends = series
    .map((each) => ({ ...each, y: at(each.points.at(-1)[0], each.points.at(-1)[1])[1] }))
    .sort((one, other) => one.y - other.y);
  ends.forEach((each, index) => {
    if (index > 0) each.y = Math.max(each.y, ends[index - 1].y + 16);
  });
  for (const { name, colour, points, y: labelY } of ends) {
    const placed = points.map(([x, y]) => at(x, y));
    body.push(`<polyline class="line ${colour}" points="${placed.map((p) => p.join(",")).join(" ")}"/>`);
    placed.forEach(([x, y], index) =>
      body.push(
        `<circle class="${colour}" cx="${x}" cy="${y}" r="4"><title>${escaped(
          `${name}, ${points[index][0]}: ${shortened(points[index][1])} ${unit}`,
        )}</title></circle>`,
      ),
    );
    body.push(`<text class="name" x="${kWidth - right + 12}" y="${labelY + 4}">${escaped(name)}</text>`);
  }
  return svg(height, body, label);
}

/** A small line without axes. `points`: [{value, date, commit}]. */
export function spark(points) {
  const [width, height] = [180, 32];
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const at = (index) => [
    4 + (index / Math.max(1, points.length - 1)) * (width - 8),
    high === low ? height / 2 : height - 5 - ((values[index] - low) / (high - low)) * (height - 10),
  ];
  const placed = points.map((_, index) => at(index));
  const marks = placed.map(([x, y], index) => {
    const { value, date, commit } = points[index];
    const title = `${value} · ${date.slice(0, 16).replace("T", " ")} · ${(commit ?? "").slice(0, 8)}`;
    return `<circle class="own" cx="${x}" cy="${y}" r="2.5"><title>${escaped(title)}</title></circle>`;
  });
  return (
    `<svg class="spark" viewBox="0 0 ${width} ${height}" role="img" aria-label="history">` +
    `<polyline class="line own" points="${placed.map((p) => p.join(",")).join(" ")}"/>${marks.join("")}</svg>`
  );
}

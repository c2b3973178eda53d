// Small line charts of the last two minutes, as SVG.
import { kHistorySeconds } from "./model.js";

const kSvg = "http://www.w3.org/2000/svg";
const kHeight = 34;

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(kSvg, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Lines break where a value is null. New samples enter at the right edge.
function outline(values, top) {
  const offset = kHistorySeconds - values.length;
  const y = (value) => (kHeight - (value / top) * (kHeight - 2) - 1).toFixed(2);
  let line = "";
  let area = "";
  let start = -1;
  for (let i = 0; i <= values.length; ++i) {
    const value = values[i];
    const x = offset + i;
    if (value === null || value === undefined) {
      if (start >= 0) area += `L${x - 1} ${kHeight}L${start} ${kHeight}Z`;
      start = -1;
    } else if (start < 0) {
      start = x;
      line += `M${x} ${y(value)}`;
      area += `M${x} ${y(value)}`;
    } else {
      line += `L${x} ${y(value)}`;
      area += `L${x} ${y(value)}`;
    }
  }
  return { line, area };
}

export class Sparkline {
  // `floor`: the scale never shows less than this, so that noise near zero looks like it.
  constructor(lines, floor) {
    this.floor = floor;
    this.element = svg("svg", {
      class: "spark", viewBox: `0 0 ${kHistorySeconds - 1} ${kHeight}`,
      preserveAspectRatio: "none", "aria-hidden": "true",
    });
    this.element.append(svg("path", { class: "base", d: `M0 ${kHeight}H${kHistorySeconds}` }));
    this.paths = Array.from({ length: lines }, (_, i) => {
      const area = svg("path", { class: `area s${i}` });
      const line = svg("path", { class: `s${i}` });
      this.element.append(area, line);
      return { area, line };
    });
  }

  draw(series) {
    const known = series.flat().filter((value) => value !== null && value !== undefined);
    const top = Math.max(this.floor, ...known);
    series.forEach((values, i) => {
      const { line, area } = outline(values, top);
      this.paths[i].line.setAttribute("d", line);
      this.paths[i].area.setAttribute("d", area);
    });
  }
}

// Numbers as people read them. Pure functions.

const kUnits = ["", "k", "M", "G", "T"];
const kByteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

function scaled(value, step, units) {
  let unit = 0;
  while (Math.abs(value) >= step * 0.9995 && unit < units.length - 1) {
    value /= step;
    ++unit;
  }
  return [value, units[unit]];
}

function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return value.toPrecision(1);
  if (size < 10) return String(Number(value.toFixed(size < 1 ? 2 : 1)));
  return String(Math.round(value));
}

export function count(value) {
  const [number, unit] = scaled(value, 1000, kUnits);
  return digits(number) + unit;
}

export function bytes(value) {
  const [number, unit] = scaled(value, 1024, kByteUnits);
  return `${digits(number)} ${unit}`;
}

// Exact, with thin spaces: for totals that people compare.
export function total(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

// A round trip; negative means that there is none yet.
export function roundTrip(us) {
  if (us === null || us === undefined || us < 0) return "–";
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${digits(us / 1000)} ms`;
  return `${digits(us / 1e6)} s`;
}

export function duration(us) {
  const seconds = Math.floor(us / 1e6);
  if (seconds < 1) return "a moment";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function plural(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

// "volatile 3, link window 1": what is not zero of a map from reason to count.
export function reasons(counts) {
  return Object.entries(counts)
    .filter(([, number]) => number > 0)
    .map(([reason, number]) => `${reason.replaceAll("_", " ")} ${count(number)}`)
    .join(", ");
}

// Statistics over a handful of runs and over many latencies. Pure functions; none changes its input.

/** The middle value; the mean of the two middle ones when there is an even number. NaN for none. */
export function median(values) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** (largest - smallest) / median: 0.1 says that the runs lie within a tenth of each other. */
export function spread(values) {
  const middle = median(values);
  if (values.length < 2 || !(middle > 0)) return 0;
  return (Math.max(...values) - Math.min(...values)) / middle;
}

/**
 * Nearest-rank percentiles of `samples` (any order), one for each of `ranks` (0 to 100).
 * NaN for no samples.
 */
export function percentiles(samples, ranks) {
  const sorted = Float64Array.from(samples).sort();
  return ranks.map((rank) => {
    if (sorted.length === 0) return NaN;
    const index = Math.ceil((rank / 100) * sorted.length) - 1;
    return sorted[Math.min(Math.max(index, 0), sorted.length - 1)];
  });
}

/** One array out of several Float64Arrays. */
export function pooled(arrays) {
  const all = new Float64Array(arrays.reduce((total, array) => total + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** Rounds to `digits` significant digits, so that results read well and diff well. NaN becomes null. */
export function significant(value, digits = 4) {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : null;
}

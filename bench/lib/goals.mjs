// The goals, and whether the figures meet them. A goal whose figures are absent is left out.

const kSystem = "socketmesh";
const kBaseline = "redis-sharded";

/**
 * Ratios of every system's rows to those of the sharded Redis adapter in the same run:
 * `sustained` above 1, and `cpu` and `p50` below 1, are better than the baseline.
 */
export function ratios(rows) {
  const found = [];
  for (const row of rows) {
    const base = rows.find((other) => other.system === kBaseline && sameScenario(other, row));
    if (!base || base === row) continue;
    const ratio = (key) => Number((row[key] / base[key]).toFixed(3));
    found.push({
      suite: row.suite,
      system: row.system,
      baseline: kBaseline,
      servers: row.servers,
      holders: row.holders,
      bytes: row.bytes,
      offered_per_s: row.offered_per_s,
      sustained: ratio("sustained_per_s"),
      cpu: ratio("cpu_us_per_emit"),
      publisher_cpu: ratio("publisher_cpu_us_per_emit"),
      p50: ratio("p50_ms"),
    });
  }
  return found;
}

function carried(rows) {
  const found = [];
  for (const carry of rows.filter(({ way }) => way === "carry")) {
    const direct = rows.find((row) => row.way === "direct" && row.offered_per_s === carry.offered_per_s);
    const lost = carry.lost > 0 ? `, ${carry.lost} lost` : "";
    if (carry.offered_per_s === 0) {
      const share = Number((carry.frames_per_s / direct.frames_per_s).toFixed(3));
      found.push({
        goal: "drop-in: frames of 200 B carried, to those over a direct WebSocket",
        wanted: `≥ ${kCarriedShare} ×`,
        measured: `${share} ×${lost}`,
        met: share >= kCarriedShare && carry.lost === 0,
      });
    } else {
      const more = Math.round(carry.p50_us - direct.p50_us);
      found.push({
        goal: `drop-in: a carried frame's median latency at ${carry.offered_per_s}/s, more than a direct one's`,
        wanted: `≤ ${kCarriedMoreUs} µs`,
        measured: `${more} µs${lost}`,
        met: more <= kCarriedMoreUs && carry.lost === 0,
      });
    }
  }
  return found;
}

export function sameScenario(one, other) {
  return ["suite", "servers", "holders", "bytes", "offered_per_s"].every(
    (key) => one[key] === other[key],
  );
}

const kRatioGoals = [
  { of: "sustained", holders: 3, rate: 0, least: 5, text: "sustained without loss, all hold the room" },
  { of: "cpu", holders: 3, rate: 12_000, most: 0.5, text: "CPU an emit at 12,000/s, all hold the room" },
  { of: "cpu", holders: 1, rate: 12_000, most: 0.4, text: "CPU an emit at 12,000/s, one holds the room" },
  { of: "p50", holders: 3, rate: 12_000, most: 1, text: "median latency at 12,000/s, all hold the room" },
  { of: "p50", holders: 1, rate: 12_000, most: 1, text: "median latency at 12,000/s, one holds the room" },
];
// Of frames of drop-in peers through two sidecars, against a WebSocket between the two.
const kCarriedShare = 0.8;
const kCarriedMoreUs = 150;
const kConvergenceMs = 100;
const kIdleMib = 16;

/** [{goal, wanted, measured, met}] */
export function judged(report) {
  const found = [];
  for (const { of, holders, rate, least, most, text } of kRatioGoals) {
    const ratio = report.ratios.find(
      (each) =>
        each.system === kSystem &&
        each.servers === 3 &&
        each.bytes === 128 &&
        each.holders === holders &&
        each.offered_per_s === rate,
    );
    if (!ratio) continue;
    const lost = report.rows.find((row) => row.system === kSystem && sameScenario(row, ratio)).lost;
    const within = least !== undefined ? ratio[of] >= least : ratio[of] <= most;
    found.push({
      goal: text,
      wanted: least !== undefined ? `≥ ${least} × sharded` : `≤ ${most} × sharded`,
      measured: `${ratio[of]} ×` + (lost > 0 ? `, ${lost} lost` : ""),
      met: within && lost === 0,
    });
  }
  found.push(...carried(report.dropin ?? []));
  for (const { own_ms, others_ms } of report.convergence.filter(({ system }) => system === kSystem)) {
    const slower = Math.max(own_ms, others_ms);
    found.push({
      goal: "a third server counts three, and is counted by the others",
      wanted: `≤ ${kConvergenceMs} ms`,
      measured: `${slower} ms`,
      met: slower <= kConvergenceMs,
    });
  }
  for (const { largest_resident_mib } of report.memory.filter(({ system }) => system === kSystem)) {
    found.push({
      goal: "an idle sidecar's resident memory",
      wanted: `≤ ${kIdleMib} MiB`,
      measured: `${largest_resident_mib} MiB`,
      met: largest_resident_mib <= kIdleMib,
    });
  }
  return found;
}

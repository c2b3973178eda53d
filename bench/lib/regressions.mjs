// What changed from run to run: figures of SocketMesh, as ratios to another system in the same run
// where there is one, since a machine is never as idle twice.

const kBefore = 5; // runs whose median is compared with
const kTolerance = 0.15; // ratios of one commit, run again, differ by so much

/** {figure: {value, higher}} of one line of the history; `higher`: whether more is better. */
export function figuresOf(line) {
  const found = {};
  const add = (figure, value, higher) => {
    if (Number.isFinite(value)) found[figure] = { value: Number(value.toPrecision(3)), higher };
  };
  const versus = (entries, own, other, figure, pick, higher) => {
    for (const [name, mine] of Object.entries(entries ?? {})) {
      if (!name.startsWith(`${own} `)) continue;
      const theirs = entries[other + name.slice(own.length)];
      if (theirs !== undefined) add(`${name}: ${figure} × ${other}`, pick(mine) / pick(theirs), higher);
    }
  };
  for (const own of ["socketmesh", "socketmesh-mtls", "socketmesh-recovery"]) {
    versus(line.rows, own, "redis-sharded", "CPU", (row) => row[1], false);
    versus(saturated(line.rows), own, "redis-sharded", "emits/s", (row) => row[0], true);
    versus(line.clients, own, "redis-sharded", "CPU a delivery", (row) => row[1], false);
    add(`${own}: convergence, ms`, line.convergence_ms?.[own], false);
    add(`${own}: idle sidecar, MiB`, line.idle_mib?.[own], false);
    add(`${own}: 300,000 rooms, MiB`, line.interest_mib?.[own], false);
  }
  versus(line.relay_per_cpu_s, "socketmesh", "nats", "deliveries a CPU second", (value) => value, true);
  return found;
}

function saturated(rows) {
  return Object.fromEntries(Object.entries(rows ?? {}).filter(([name]) => name.endsWith(" 0")));
}

/** Figures over the lines of one machine: {figure: {higher, points: [{date, commit, value}]}}. */
export function seriesOf(lines) {
  const machine = lines.at(-1)?.machine;
  const series = {};
  for (const line of lines.filter((each) => each.machine === machine)) {
    for (const [figure, { value, higher }] of Object.entries(figuresOf(line))) {
      series[figure] ??= { higher, points: [] };
      series[figure].points.push({ date: line.date, commit: line.commit, value });
    }
  }
  return series;
}

/** The last run's figures against the median of the runs before it; those that moved first. */
export function changes(lines) {
  const last = lines.at(-1);
  if (!last) return [];
  return Object.entries(seriesOf(lines))
    .filter(([, { points }]) => points.length > 1 && points.at(-1).date === last.date)
    .map(([figure, { higher, points }]) => {
      const earlier = points.slice(0, -1).slice(-kBefore).map(({ value }) => value);
      const before = earlier.sort((one, other) => one - other)[earlier.length >> 1];
      const now = points.at(-1).value;
      const change = now / before - 1;
      const worse = higher ? -change : change;
      const verdict = worse > kTolerance ? "WORSE" : worse < -kTolerance ? "better" : "";
      return { figure, before, now, change: Number(change.toFixed(3)), verdict };
    })
    .sort((one, other) => Math.abs(other.change) - Math.abs(one.change));
}

// One run of the adapter path: emits of one publisher to a room that receivers hold, what reached
// them, and what it cost.
import { median, percentiles, pooled } from "../lib/stats.mjs";

const kDrainMs = 2500;
const kRateCut = 0.95; // of what got through, or of the rate before, when messages were lost
const kTries = 5;

/**
 * Emits for `seconds` at `rate` (0 = as fast as the publisher can) and waits up to 2.5 s for the rest.
 * The CPU window is from before the first emit to the end of the drain, for every process.
 *
 * sustained_per_s: deliveries to the slowest holder, divided by the time from the first emit to its
 * last delivery. lost: deliveries that never came, over all holders.
 */
export async function measure(cluster, { holders: count, bytes, rate, seconds }) {
  const { room, holders } = await cluster.roomHeldBy(count);
  await Promise.all(holders.map((holder) => holder.call("arm", { room })));

  const before = await cluster.cpuUsByRole();
  const { sent, firstUs } = await cluster.publisher.call("publish", { room, bytes, rate, seconds });
  const rest = { count: sent, timeoutMs: kDrainMs };
  await Promise.all(holders.map((holder) => holder.call("received", rest)));
  const after = await cluster.cpuUsByRole();

  const reports = await Promise.all(holders.map((holder) => holder.call("report")));
  await cluster.leaveRooms(holders);
  return summary({ sent, firstUs, before, after, reports });
}

/**
 * The sustained rate without loss. Pushes; when that loses messages, paces at a little less than what
 * got through, and less again, until nothing is lost (at most five tries; then the last one stands, with
 * its losses). `startRate`: the lossless rate of an earlier round, taken instead of the push.
 */
export async function measureSaturation(cluster, scenario, startRate = 0) {
  let rate = startRate;
  let push;
  for (let attempt = 1; ; attempt++) {
    const result = await measure(cluster, { ...scenario, rate });
    if (rate === 0) push = { sustained_per_s: result.sustained_per_s, lost: result.lost };
    if (result.lost === 0 || attempt === kTries) {
      return { ...result, push, paced_at_per_s: rate };
    }
    rate = Math.floor(kRateCut * Math.min(result.sustained_per_s, rate || Infinity));
  }
}

function summary({ sent, firstUs, before, after, reports }) {
  const byRole = {};
  for (const role of Object.keys(after)) byRole[role] = (after[role] - before[role]) / sent;
  const perSecond = ({ countThen, lastUs }) =>
    countThen > 0 ? (countThen * 1e6) / (lastUs - firstUs) : 0;
  const [p50, p99] = percentiles(pooled(reports.map((report) => report.latenciesUs)), [50, 99]);
  return {
    sent,
    sustained_per_s: Math.min(...reports.map(perSecond)),
    lost: reports.reduce((total, { count }) => total + Math.max(0, sent - count), 0),
    duplicates: reports.reduce((total, { count }) => total + Math.max(0, count - sent), 0),
    cpu_us_per_emit: Object.values(byRole).reduce((total, us) => total + us, 0),
    publisher_cpu_us_per_emit: byRole.publisher,
    cpu_us_by_role: byRole,
    p50_ms: p50 / 1000,
    p99_ms: p99 / 1000,
  };
}

/** The figures of several runs as one: medians, by role too; losses and duplicates summed. */
export function combined(runs) {
  const of = (pick) => median(runs.map(pick));
  const sum = (pick) => runs.reduce((total, run) => total + pick(run), 0);
  const roles = Object.keys(runs[0].cpu_us_by_role);
  return {
    sustained_per_s: of((run) => run.sustained_per_s),
    lost: sum((run) => run.lost),
    duplicates: sum((run) => run.duplicates),
    cpu_us_per_emit: of((run) => run.cpu_us_per_emit),
    publisher_cpu_us_per_emit: of((run) => run.publisher_cpu_us_per_emit),
    p50_ms: of((run) => run.p50_ms),
    p99_ms: of((run) => run.p99_ms),
    cpu_us_by_role: Object.fromEntries(
      roles.map((role) => [role, of((run) => run.cpu_us_by_role[role])]),
    ),
  };
}

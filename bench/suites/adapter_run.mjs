// One run of the adapter path: emits to rooms that other servers hold, what reached them, and what it
// cost. One server publishes to its room, or each does, to a room that all the others hold.
import { median, percentiles, pooled } from "../lib/stats.mjs";

const kDrainMs = 2500;
const kRateCut = 0.95; // of what got through, or of the rate before, when messages were lost
const kTries = 5;

/**
 * Emits for `seconds` at `rate` in all (0 = as fast as the publishers can) and waits up to 2.5 s for the
 * rest. The CPU window is from before the first emit to the end of the drain, for every process.
 *
 * sustained_per_s: deliveries to the slowest holder, divided by the time from the first emit to its
 * last delivery; with many publishers, the emits of all of them of which it got its part. lost:
 * deliveries that never came, over all holders.
 */
export async function measure(cluster, { holders: count, publishers = 1, bytes, rate, seconds }) {
  const rooms = await cluster.roomsHeldBy(count, publishers);
  const holders = [...new Set(rooms.flatMap((each) => each.holders))];
  const heldBy = (holder) => rooms.filter((each) => each.holders.includes(holder));
  await Promise.all(
    holders.map((holder) => holder.call("arm", { rooms: heldBy(holder).map(({ room }) => room) })),
  );

  const before = cluster.cpuUsByRole(publishers);
  const each = { bytes, rate: rate / publishers, seconds };
  const published = await Promise.all(
    rooms.map(({ publisher, room }) => publisher.call("publish", { ...each, room })),
  );
  const sentTo = (holder) => heldBy(holder).reduce((sum, one) => sum + published[rooms.indexOf(one)].sent, 0);
  await Promise.all(
    holders.map((holder) => holder.call("received", { count: sentTo(holder), timeoutMs: kDrainMs })),
  );
  const after = cluster.cpuUsByRole(publishers);

  const reports = await Promise.all(
    holders.map(async (holder) => ({ ...(await holder.call("report")), due: sentTo(holder) })),
  );
  await cluster.leaveRooms();
  return summary({ published, before, after, reports });
}

/**
 * The sustained rate without loss. Pushes; when that loses messages, paces at a little less than what
 * got through, and less again, until nothing is lost (at most five tries; then the last one stands, with
 * its losses). After a loss the system is `restarted()`: what it still holds is not the next try's.
 * `startRate`: the lossless rate of an earlier round, taken instead of the push.
 */
export async function measureSaturation(cluster, scenario, startRate, restarted) {
  let rate = startRate;
  let push;
  for (let attempt = 1; ; attempt++) {
    const result = await measure(cluster, { ...scenario, rate });
    if (rate === 0) push = { sustained_per_s: result.sustained_per_s, lost: result.lost };
    if (result.lost === 0) return { ...result, push, paced_at_per_s: rate };
    cluster = await restarted();
    if (attempt === kTries) return { ...result, push, paced_at_per_s: rate };
    rate = Math.max(1, Math.floor(kRateCut * Math.min(result.sustained_per_s, rate || Infinity)));
  }
}

function summary({ published, before, after, reports }) {
  const sent = published.reduce((sum, each) => sum + each.sent, 0);
  const firstUs = Math.min(...published.map((each) => each.firstUs));
  const byRole = {};
  for (const role of Object.keys(after)) byRole[role] = (after[role] - (before[role] ?? 0)) / sent;
  const perSecond = ({ countThen, lastUs, due }) =>
    countThen > 0 ? ((countThen * 1e6) / (lastUs - firstUs)) * (sent / due) : 0;
  const latenciesUs = pooled(reports.map((report) => report.latenciesUs));
  const [p50, p99, p999] = percentiles(latenciesUs, [50, 99, 99.9]);
  return {
    sent,
    sustained_per_s: Math.min(...reports.map(perSecond)),
    lost: reports.reduce((total, { count, due }) => total + Math.max(0, due - count), 0),
    duplicates: reports.reduce((total, { count, due }) => total + Math.max(0, count - due), 0),
    cpu_us_per_emit: Object.values(byRole).reduce((total, us) => total + us, 0),
    publisher_cpu_us_per_emit: byRole.publisher,
    cpu_us_by_role: byRole,
    p50_ms: p50 / 1000,
    p99_ms: p99 / 1000,
    p999_ms: p999 / 1000,
  };
}

/** The figures of several runs as one: medians, by role too; losses and duplicates summed. */
export function combined(runs) {
  const of = (pick) => median(runs.map(pick));
  const sum = (pick) => runs.reduce((total, run) => total + pick(run), 0);
  const roles = Object.keys(runs[0].cpu_us_by_role);
  const figures = ["sustained_per_s", "cpu_us_per_emit", "publisher_cpu_us_per_emit"];
  return {
    ...Object.fromEntries(
      [...figures, "p50_ms", "p99_ms", "p999_ms"].map((key) => [key, of((run) => run[key])]),
    ),
    lost: sum((run) => run.lost),
    duplicates: sum((run) => run.duplicates),
    cpu_us_by_role: Object.fromEntries(
      roles.map((role) => [role, of((run) => run.cpu_us_by_role[role])]),
    ),
  };
}

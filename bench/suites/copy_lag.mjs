// How far copies for killed pods are behind: three servers that hold a room, one of which emits to it.
// Each sidecar has a copy at another, and samples how long after a change that one says that it has it
// (counters.copy_lag_us of /status). At the adapter path's rate, and at the ten messages a second that
// a session may have when its pod is killed.
import { sleep } from "../lib/clock.mjs";
import { copiesAreWhole, startSessionServers } from "../lib/session_servers.mjs";

const kServers = 3;
const kRates = [10, 12_000];
const kBytes = 128;
const kRoom = "everyone";
const kWarmUpSeconds = 1;
const kSettleMs = 300;

export async function measureCopyLag({ household, options, report, log }, system) {
  for (const rate of kRates) {
    try {
      const row = await measure(household, { system, rate, seconds: options.seconds });
      report.copy_lag.push(row);
      log(`recovery, ${system.name}: lag of copies at ${rate}/s: p99 ${row.p99_ms ?? "over 1000"} ms`);
    } catch (error) {
      report.failed.push({ suite: "recovery", system: system.name, reason: error.message });
      log(`recovery, ${system.name}: lag of copies at ${rate}/s: failed: ${error.message}`);
    }
  }
}

async function measure(household, { system, rate, seconds }) {
  const backend = await system.start(household, { servers: kServers });
  const servers = [];
  try {
    await startSessionServers(household, { system, backend, count: kServers, servers });
    await Promise.all(servers.map((server) => server.call("hold", { room: kRoom })));
    await copiesAreWhole(backend);
    const pace = { room: kRoom, bytes: kBytes, perSecond: rate };
    await servers[0].call("pace", { ...pace, seconds: kWarmUpSeconds });
    const before = await lags(backend);
    await servers[0].call("pace", { ...pace, seconds });
    await sleep(kSettleMs);
    const after = await lags(backend);
    const counts = new Map(after.map(([bound, count], i) => [bound, count - before[i][1]]));
    return {
      suite: "recovery",
      system: system.name,
      offered_per_s: rate,
      bytes: kBytes,
      samples: [...counts.values()].reduce((sum, count) => sum + count, 0),
      p50_ms: below(counts, 0.5),
      p99_ms: below(counts, 0.99),
    };
  } finally {
    await Promise.all(servers.map((server) => server.end()));
    await backend.stop();
  }
}

/** Samples of all sidecars by the upper bound of their bucket, microseconds. */
async function lags({ sidecars }) {
  const sums = new Map();
  for (const { counters } of await Promise.all(sidecars.map((sidecar) => sidecar.status()))) {
    for (const [bound, count] of Object.entries(counters.copy_lag_us)) {
      sums.set(bound, (sums.get(bound) ?? 0) + count);
    }
  }
  return [...sums];
}

/** The bound, in ms, below which this share of them lies; undefined above the last, or without any. */
export function below(counts, share) {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (const [bound, count] of counts) {
    sum += count;
    if (all > 0 && sum >= share * all) return bound === "more" ? undefined : Number(bound) / 1000;
  }
  return undefined;
}

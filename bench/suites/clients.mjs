// With clients: three servers, real WebSocket clients spread over them, all in one room to which one
// server emits. At a rate that every system bears, for latency from the time at which an emit was due;
// and pushed, for deliveries a second. What the clients themselves use is not counted.
import { sleep } from "../lib/clock.mjs";
import { nativeMissing } from "../lib/native.mjs";
import { median, significant, spread } from "../lib/stats.mjs";
import { Crowd, drained, kClientsProgram, kRoom, startServers } from "./crowds.mjs";

const kServers = 3;
const kBytes = 128;
const kConnections = [300, 3000];
const kOfferedDeliveries = 30_000; // a second
const kSilenceMs = 3000; // after which what is missing is lost
const kRestMs = 500;
const kRunsMax = 3;

export const name = "clients";

export async function run({ household, systems, options, report, log }) {
  const reason = nativeMissing(kClientsProgram);
  if (reason) {
    report.skipped.push({ suite: name, system: "all", reason });
    return;
  }
  const sizes = options.connections ?? (options.quick ? [300] : kConnections);
  const series = systems.flatMap((system) =>
    sizes.flatMap((connections) => [
      { system, connections, offered: kOfferedDeliveries, runs: [] },
      { system, connections, offered: 0, runs: [] },
    ]),
  );
  const failed = new Set();
  for (let round = 0; round < Math.min(options.runs, kRunsMax); round++) {
    for (const connections of sizes) {
      for (const system of round % 2 ? [...systems].reverse() : systems) {
        if (failed.has(system)) continue;
        const mine = series.filter(
          (entry) => entry.system === system && entry.connections === connections,
        );
        try {
          await turn({ household, system, connections, series: mine, options, log });
        } catch (error) {
          failed.add(system);
          report.failed.push({ suite: name, system: system.name, reason: error.message });
          log(`clients, ${system.name}: failed: ${error.message}`);
        }
      }
    }
  }
  report.clients.push(...series.filter(({ runs }) => runs.length > 0).map(row));
}

async function turn({ household, system, connections, series, options, log }) {
  const { cluster, ports } = await startServers(household, system, kServers, options.profileFolder);
  let crowd;
  try {
    crowd = await Crowd.connect(household, ports, connections);
    const { connected, failure } = crowd.begun;
    if (connected < connections) throw new Error(`${connected} of ${connections}: ${failure}`);
    await sleep(kRestMs); // joins travel
    await measure(cluster, crowd, { connections, offered: kOfferedDeliveries, seconds: 1 }); // warm
    for (const entry of series) {
      await sleep(kRestMs);
      const result = await measure(cluster, crowd, { ...entry, seconds: options.seconds });
      entry.runs.push(result);
      log(`clients, ${connections}, ${pace(entry)}, ${system.name}: ${outcome(result)}`);
    }
  } finally {
    await crowd?.end();
    await cluster.stop();
  }
}

async function measure(cluster, crowd, { connections, offered, seconds }) {
  await crowd.arm();
  const before = cluster.cpuUsByRole();
  const { sent, firstUs } = await cluster.publisher.call("publish", {
    ...{ room: kRoom, bytes: kBytes, rate: offered / connections, seconds },
    ...{ intended: true, perTurn: 1 },
  });
  await drained([crowd], sent * connections, kSilenceMs);
  const after = cluster.cpuUsByRole();
  const { messages, lastUs, p50Ms, p99Ms, p999Ms } = await crowd.report();
  const cpuUs = Object.keys(after).reduce((sum, role) => sum + after[role] - before[role], 0);
  return {
    sent,
    lost: sent * connections - messages,
    per_second: (messages * 1e6) / (lastUs - firstUs),
    cpu_us: cpuUs / messages,
    p50_ms: p50Ms,
    p99_ms: p99Ms,
    p999_ms: p999Ms,
  };
}

function pace({ offered }) {
  return offered === 0 ? "pushed" : `${offered.toLocaleString("en-US")} deliveries/s offered`;
}

function outcome({ per_second, cpu_us, p50_ms, p99_ms, p999_ms, lost }) {
  const losses = lost > 0 ? ` · ${lost} LOST` : "";
  return (
    `${Math.round(per_second).toLocaleString("en-US")} deliveries/s · ${cpu_us.toFixed(2)} µs each` +
    ` · p50 ${p50_ms} p99 ${p99_ms} p99.9 ${p999_ms} ms${losses}`
  );
}

function row({ system, connections, offered, runs }) {
  const of = (key) => median(runs.map((run) => run[key]));
  return {
    suite: name,
    system: system.name,
    servers: kServers,
    connections,
    bytes: kBytes,
    offered_per_s: offered,
    deliveries_per_s: Math.round(of("per_second")),
    lost: runs.reduce((sum, run) => sum + run.lost, 0),
    cpu_us_per_delivery: significant(of("cpu_us")),
    ...Object.fromEntries(["p50_ms", "p99_ms", "p999_ms"].map((key) => [key, significant(of(key))])),
    runs: runs.length,
    spread: significant(spread(runs.map((run) => run.per_second)), 2),
  };
}

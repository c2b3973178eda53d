// Interest: ten servers with a sidecar each join 300,000 rooms between them, a tenth each, by awaited
// joins, as sockets would: how fast, what it costs on the wire, and what every sidecar holds in memory,
// for each learns of all of them. SocketMesh only: Redis keeps subscriptions in one place.
import { Cluster } from "../lib/cluster.mjs";
import { sleep } from "../lib/clock.mjs";
import { cpuUs, residentBytes } from "../lib/proc.mjs";
import { significant } from "../lib/stats.mjs";

const kServers = 10;
const kRooms = 300_000;
const kQuickRooms = 10_000;
const kBatch = 1000; // rooms joined at once by one server, then awaited
const kRestMs = 3000; // acknowledgements, and memory given back
const kMiB = 1 << 20;

export const name = "interest";

export async function run({ household, systems, options, report, log }) {
  const rooms = options.quick ? kQuickRooms : kRooms;
  for (const system of systems.filter(({ name: each }) => each.startsWith("socketmesh"))) {
    try {
      const entry = await measure(household, system, rooms);
      report.interest.push(entry);
      log(
        `interest, ${system.name}: ${rooms} rooms, ${entry.largest_resident_mib} MiB a sidecar, ` +
          `${entry.joins_per_s} joins/s, ${entry.wire_bytes_per_room} bytes a room on the wire`,
      );
    } catch (error) {
      report.failed.push({ suite: name, system: system.name, reason: error.message });
      log(`interest, ${system.name}: failed: ${error.message}`);
    }
  }
}

async function measure(household, system, rooms) {
  const cluster = await Cluster.start(household, system, { receivers: kServers - 1 });
  try {
    const { sidecars } = cluster.backend;
    const pids = sidecars.map(({ child }) => child.pid);
    await sleep(kRestMs);
    const idle = Math.max(...pids.map(residentBytes));
    const before = await wireBytes(sidecars);
    const cpuBefore = total(pids.map(cpuUs));
    const each = { count: rooms / kServers, batch: kBatch, timeoutMs: 120_000 };
    const tookUs = await Promise.all(
      cluster.servers.map((server, index) => server.call("joinMany", { prefix: `r${index}-`, ...each })),
    );
    const cpu = total(pids.map(cpuUs)) - cpuBefore;
    await sleep(kRestMs);
    const wire = (await wireBytes(sidecars)) - before;
    const largest = Math.max(...pids.map(residentBytes));
    return {
      system: system.name,
      sidecars: kServers,
      rooms,
      joins_per_s: Math.round((rooms * 1e6) / Math.max(...tookUs)),
      sidecar_cpu_us_per_join: significant(cpu / rooms, 3),
      idle_resident_mib: significant(idle / kMiB, 3),
      largest_resident_mib: significant(largest / kMiB, 3),
      bytes_per_room: Math.round((largest - idle) / rooms),
      wire_bytes_per_room: significant(wire / rooms, 3),
    };
  } finally {
    await cluster.stop();
  }
}

const total = (values) => values.reduce((sum, each) => sum + each, 0);

/** Bytes that all sidecars have written to their links so far. */
async function wireBytes(sidecars) {
  const counts = await Promise.all(
    sidecars.map(async ({ adminPort }) => {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      const found = /^socketmesh_link_bytes_total\{direction="out"\} (\S+)$/m.exec(text);
      if (!found) throw new Error("a sidecar's metrics have no socketmesh_link_bytes_total");
      return Number(found[1]);
    }),
  );
  return total(counts);
}

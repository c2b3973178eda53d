// Memory of the backend processes at rest: three servers attached, then five idle seconds.
import { Cluster } from "../lib/cluster.mjs";
import { sleep } from "../lib/clock.mjs";
import { residentBytes } from "../lib/proc.mjs";
import { significant } from "../lib/stats.mjs";

const kServers = 3;
const kIdleMs = 5000;
const kMiB = 1 << 20;

export const name = "memory";

export async function run({ household, systems, options, report, log }) {
  const idleMs = options.quick ? 0 : kIdleMs;
  for (const system of systems) {
    try {
      const cluster = await Cluster.start(household, system, { receivers: kServers - 1 });
      try {
        await sleep(idleMs);
        const bytes = cluster.backend.processes().map(({ pid }) => residentBytes(pid));
        const entry = {
          system: system.name,
          processes: bytes.length,
          largest_resident_mib: significant(Math.max(...bytes) / kMiB, 3),
          total_resident_mib: significant(bytes.reduce((sum, each) => sum + each, 0) / kMiB, 3),
        };
        report.memory.push(entry);
        log(
          `memory, ${system.name}: ${entry.processes} process(es), ` +
            `largest ${entry.largest_resident_mib} MiB`,
        );
      } finally {
        await cluster.stop();
      }
    } catch (error) {
      report.failed.push({ suite: name, system: system.name, reason: error.message });
      log(`memory, ${system.name}: failed: ${error.message}`);
    }
  }
}

// Convergence: two servers run; a third attaches. How long until it counts three servers, and until
// the two others do. Its backend (sidecar or broker connections) is up before, as in a pod, and the
// count is asked for once a millisecond.
import { Cluster } from "../lib/cluster.mjs";
import { median, significant } from "../lib/stats.mjs";

const kServers = 3;

export const name = "convergence";

export async function run({ household, systems, options, report, log }) {
  for (const system of systems) {
    const own = [];
    const others = [];
    try {
      for (let i = 0; i < options.runs; i++) {
        const result = await attachThird(household, system);
        own.push(result.ownMs);
        others.push(result.othersMs);
      }
    } catch (error) {
      report.failed.push({ suite: name, system: system.name, reason: error.message });
      log(`convergence, ${system.name}: failed: ${error.message}`);
      continue;
    }
    const entry = {
      system: system.name,
      runs: options.runs,
      own_ms: significant(median(own)),
      others_ms: significant(median(others)),
      worst_ms: significant(Math.max(...own, ...others)),
    };
    report.convergence.push(entry);
    log(`convergence, ${system.name}: ${entry.own_ms} ms own, ${entry.others_ms} ms others`);
  }
}

async function attachThird(household, system) {
  const cluster = await Cluster.start(household, system, {
    receivers: kServers - 1,
    attached: kServers - 1,
  });
  try {
    const third = cluster.servers[kServers - 1];
    const seenByOthers = Promise.all(
      cluster.servers.slice(0, -1).map((server) => countThree(server)),
    );
    const attachedUs = await third.call("attach", { clients: false });
    const [ownUs, othersUs] = await Promise.all([countThree(third), seenByOthers]);
    return {
      ownMs: (ownUs - attachedUs) / 1000,
      othersMs: (Math.max(...othersUs) - attachedUs) / 1000,
    };
  } finally {
    await cluster.stop();
  }
}

function countThree(server) {
  return server.call("serversReached", { count: kServers, timeoutMs: 20_000 });
}

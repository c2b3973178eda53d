// Connection state recovery: thousands of sessions lose their connection, or their server, and come back
// to two other servers. How long restoreSession takes, and how many are recovered with all that they
// missed. Connections are without a network, so that nothing else is measured. And what it costs to have
// recovery on: rows of the adapter path, on against off, which are this suite's.
// Lag of copies: copy_lag.mjs.
import { sleep } from "../lib/clock.mjs";
import { copiesAreWhole, startSessionServers } from "../lib/session_servers.mjs";
import { percentiles, pooled, significant } from "../lib/stats.mjs";
import * as adapter from "./adapter.mjs";
import { measureCopyLag } from "./copy_lag.mjs";

const kServers = 3;
const kSessions = 10_000;
const kQuickSessions = 200;
const kPerSecond = 5000; // come back, over both servers
const kBefore = 2; // messages that all have seen, and that all have missed
const kMissed = 5;
const kRoom = "everyone";
const kCallMs = 60_000;
const kSettleMs = 300;
// What each system is to bear; the others recover nobody.
const kLosses = {
  "socketmesh-recovery": ["lost", "killed"],
  "socketmesh-copies": ["pod"],
  "redis-streams": ["lost", "killed"],
};
const kSystems = Object.keys(kLosses);
const kCopies = "socketmesh-copies";
const kOnAndOff = ["socketmesh-recovery", kCopies, "socketmesh"];
const kCost = { servers: 3, holders: 3, bytes: 128, rate: 12_000 };

/** What happens to the first server's clients. */
export const losses = {
  lost: "connections closed",
  killed: "server killed",
  pod: "pod killed (server and sidecar)",
};

export const name = "recovery";

export async function run(context) {
  const { household, systems, options, report, log } = context;
  const named = (names) => systems.filter((each) => names.includes(each.name));
  const onAndOff = named(kOnAndOff);
  if (onAndOff.length === kOnAndOff.length) {
    await adapter.run({ ...context, suite: name, systems: onAndOff, options: { ...options, scenarios: [kCost] } });
  }
  if (named(kSystems).length === 0) log(`recovery: no system that recovers sessions; ${kSystems.join(", ")} do`);
  const sessions = options.quick ? kQuickSessions : kSessions;
  for (const system of named(kSystems)) {
    for (const loss of kLosses[system.name]) {
      try {
        const row = await measure(household, { system, loss, sessions });
        report.recovery.push(row);
        log(`recovery, ${system.name}, ${losses[loss]}: ${row.recovered} of ${sessions}, p99 ${row.p99_ms ?? "-"} ms`);
      } catch (error) {
        report.failed.push({ suite: name, system: system.name, reason: error.message });
        log(`recovery, ${system.name}, ${losses[loss]}: failed: ${error.message}`);
      }
    }
  }
  for (const system of named([kCopies])) await measureCopyLag(context, system);
}

async function measure(household, { system, loss, sessions: count }) {
  const backend = await system.start(household, { servers: kServers });
  const servers = [];
  try {
    await startSessionServers(household, { system, backend, count: kServers, servers });
    const [first, ...others] = servers;
    await first.call("open", { count, room: kRoom, timeoutMs: kCallMs });
    await others[0].call("emit", { room: kRoom, count: kBefore });
    const sessions = await first.call("sessions", { events: kBefore, timeoutMs: kCallMs });
    await sleep(kSettleMs);
    if (loss === "pod") await copiesAreWhole(backend);
    await lose(first, loss, backend);
    await others[0].call("emit", { room: kRoom, count: kMissed });
    await sleep(kSettleMs);
    return row({ system: system.name, loss, count, back: await comeBack(others, sessions) });
  } finally {
    await Promise.all(servers.map((server) => server.end()));
    await backend.stop();
  }
}

async function lose(server, loss, backend) {
  if (loss === "lost") {
    await server.call("lose");
    return;
  }
  process.kill(server.pid, "SIGKILL");
  if (loss === "pod") process.kill(backend.sidecars[0].child.pid, "SIGKILL");
}

/** Half to each of the others, at the same time. */
function comeBack(servers, sessions) {
  const perMs = kPerSecond / 1000 / servers.length;
  return Promise.all(
    servers.map((server, i) =>
      server.call("restore", {
        sessions: sessions.filter((_, n) => n % servers.length === i),
        perMs,
        timeoutMs: kCallMs,
      }),
    ),
  );
}

function row({ system, loss, count, back }) {
  const sum = (key) => back.reduce((total, each) => total + each[key], 0);
  const [p50, p99] = percentiles(pooled(back.map(({ latenciesMs }) => latenciesMs)), [50, 99]);
  const recovered = sum("recovered");
  return {
    suite: name,
    system,
    loss,
    sessions: count,
    recovered,
    missing_messages: recovered * kMissed - sum("replayed"),
    p50_ms: significant(p50),
    p99_ms: significant(p99),
  };
}

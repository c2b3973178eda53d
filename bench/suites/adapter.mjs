// The adapter path: rows of suite "adapter", or of the suite that asks for them. Systems take turns (A B C, B C A, ...), one round a run;
// a turn starts the system anew, warms it up, and runs every scenario.
import { Cluster } from "../lib/cluster.mjs";
import { sleep } from "../lib/clock.mjs";
import { significant, spread } from "../lib/stats.mjs";
import { combined, measure, measureSaturation } from "./adapter_run.mjs";

// Not counted: compiled code and grown buffers, for every system. Not a push: what it
// left behind in the slower ones would take long to come through.
const kWarmUpRate = 12_000;
const kWarmUpSeconds = 2;
const kQuickWarmUpSeconds = 0.2;
const kRestMs = 250; // between runs, so that garbage collection after one is not paid by the next

export const name = "adapter";

/** Adds rows to `report`; a system that fails is named there, and left out from then on. */
export async function run({ household, systems, options, report, log, suite = name }) {
  const series = systems.flatMap((system) =>
    options.scenarios.map((scenario) => ({ system, scenario, runs: [], losslessRate: 0 })),
  );
  const sizes = [...new Set(options.scenarios.map((scenario) => scenario.servers))];
  const failed = new Set();

  for (let round = 0; round < options.runs; round++) {
    for (const servers of sizes) {
      for (const system of rotated(systems, round)) {
        if (failed.has(system)) continue;
        const mine = series.filter(
          (entry) => entry.system === system && entry.scenario.servers === servers,
        );
        log(`round ${round + 1}/${options.runs}, 1→${servers}: ${system.name}`);
        try {
          await turn({ household, system, servers, series: mine, options, log });
        } catch (error) {
          failed.add(system);
          report.failed.push({ suite, system: system.name, reason: error.message });
          log(`  failed: ${error.message}`);
        }
      }
    }
  }
  report.rows.push(...series.filter(({ runs }) => runs.length > 0).map((entry) => row(suite, entry)));
}

async function turn({ household, system, servers, series, options, log }) {
  const start = async () => {
    const started = await Cluster.start(household, system, {
      receivers: servers,
      profileFolder: options.profileFolder,
    });
    const seconds = options.quick ? kQuickWarmUpSeconds : kWarmUpSeconds;
    await measure(started, { holders: servers, bytes: 128, rate: kWarmUpRate, seconds });
    return started;
  };
  let cluster = await start();
  const restarted = async () => {
    await cluster.stop();
    cluster = await start();
    return cluster;
  };
  try {
    for (const entry of series) {
      await sleep(kRestMs);
      const scenario = { ...entry.scenario, seconds: options.seconds };
      const result =
        scenario.rate === 0
          ? await measureSaturation(cluster, scenario, entry.losslessRate, restarted)
          : await measure(cluster, scenario);
      entry.losslessRate = result.paced_at_per_s ?? 0;
      entry.runs.push(result);
      log(`  ${described(scenario)}: ${outcome(result)}`);
      if (result.lost > 0 && scenario.rate !== 0) await restarted();
    }
  } finally {
    await cluster.stop();
  }
}

function rotated(systems, by) {
  const at = by % systems.length;
  return [...systems.slice(at), ...systems.slice(0, at)];
}

function described({ servers, holders, publishers = 1, bytes, rate }) {
  const pace = rate === 0 ? "saturation" : `${rate.toLocaleString("en-US")}/s`;
  const who = publishers > 1 ? `, ${publishers} publish` : "";
  return `${pace}${who}, ${holders} of ${servers} hold the room, ${bytes} B`;
}

function outcome({ sustained_per_s, cpu_us_per_emit, p50_ms, p99_ms, lost }) {
  const figures = [
    `${Math.round(sustained_per_s).toLocaleString("en-US")} emits/s`,
    `${cpu_us_per_emit.toFixed(1)} µs an emit`,
    `p50 ${p50_ms.toFixed(2)} p99 ${p99_ms.toFixed(2)} ms`,
  ];
  return figures.join(" · ") + (lost > 0 ? ` · ${lost} LOST` : "");
}

function row(suite, { system, scenario, runs }) {
  const figures = combined(runs);
  const pushes = runs.filter((entry) => entry.push).map((entry) => entry.push);
  const rounded = (key) => significant(figures[key]);
  return {
    suite,
    system: system.name,
    servers: scenario.servers,
    holders: scenario.holders,
    publishers: scenario.publishers ?? 1,
    bytes: scenario.bytes,
    offered_per_s: scenario.rate,
    sustained_per_s: Math.round(figures.sustained_per_s),
    lost: figures.lost,
    duplicates: figures.duplicates,
    cpu_us_per_emit: rounded("cpu_us_per_emit"),
    publisher_cpu_us_per_emit: rounded("publisher_cpu_us_per_emit"),
    p50_ms: rounded("p50_ms"),
    p99_ms: rounded("p99_ms"),
    p999_ms: rounded("p999_ms"),
    cpu_us_by_role: Object.fromEntries(
      Object.entries(figures.cpu_us_by_role).map(([role, us]) => [role, significant(us)]),
    ),
    runs: runs.length,
    spread: Object.fromEntries(
      ["sustained_per_s", "cpu_us_per_emit", "p50_ms", "p99_ms"].map((key) => [
        key,
        significant(spread(runs.map((entry) => entry[key])), 2),
      ]),
    ),
    ...(scenario.rate === 0 && {
      push_lost: pushes.reduce((total, push) => total + push.lost, 0),
      paced_at_per_s: Math.max(...runs.map((entry) => entry.paced_at_per_s)),
    }),
  };
}

// The goals, and whether the figures meet them. A goal whose figures are absent is left out.
import { losses } from "../suites/recovery.mjs";

const kSystem = "socketmesh";
const kBaseline = "redis-sharded";

/**
 * Ratios of every system's rows to those of the sharded Redis adapter in the same run:
 * `sustained` above 1, and `cpu` and `p50` below 1, are better than the baseline.
 */
export function ratios(rows) {
  const found = [];
  for (const row of rows) {
    const base = rows.find(
      (other) => other.system === kBaseline && other.date === row.date && sameScenario(other, row),
    );
    if (!base || base === row) continue;
    const ratio = (key) => Number((row[key] / base[key]).toFixed(3));
    found.push({
      ...Object.fromEntries(kScenarioKeys.map((key) => [key, row[key]])),
      system: row.system,
      baseline: kBaseline,
      sustained: ratio("sustained_per_s"),
      cpu: ratio("cpu_us_per_emit"),
      publisher_cpu: ratio("publisher_cpu_us_per_emit"),
      p50: ratio("p50_ms"),
      p99: ratio("p99_ms"),
    });
  }
  return found;
}

const kScenarioKeys = ["suite", "servers", "holders", "publishers", "bytes", "offered_per_s"];

export function sameScenario(one, other) {
  return kScenarioKeys.every((key) => one[key] === other[key]);
}

const kRatioGoals = [
  { of: "sustained", holders: 3, rate: 0, least: 5, text: "sustained without loss, all hold the room" },
  {
    ...{ system: "socketmesh-mtls", of: "sustained", holders: 3, rate: 0, least: 4 },
    text: "the same with mTLS links",
  },
  { of: "cpu", holders: 3, rate: 12_000, most: 0.45, text: "CPU an emit at 12,000/s, all hold the room" },
  { of: "cpu", holders: 1, rate: 12_000, most: 0.35, text: "CPU an emit at 12,000/s, one holds the room" },
  { of: "p50", holders: 3, rate: 12_000, most: 1, text: "median latency at 12,000/s, all hold the room" },
  { of: "p50", holders: 1, rate: 12_000, most: 1, text: "median latency at 12,000/s, one holds the room" },
];
// Of frames of drop-in peers through two sidecars, against a WebSocket between the two.
const kCarriedShare = 0.8;
const kCarriedMoreUs = 150;
const kRecovery = "socketmesh-recovery";
const kRecoveryMost = { cpu_us_per_emit: 1.3, p50_ms: 1.2 };
const kCopies = "socketmesh-copies";
const kRestoreMs = 200;
const kCopyLagMs = 2;
const kConvergenceMs = 100;
const kIdleMib = 16;
const kInterestRooms = 300_000;
const kInterestMib = 40;
const kFlat = 1.15; // of a figure that must not grow: what runs differ by

const isMain = (row) =>
  row.servers === 3 && row.bytes === 128 && (row.publishers ?? 1) === 1 && row.suite === "adapter";

/** [{goal, wanted, measured, met}] */
export function judged(report) {
  return [
    ...kRatioGoals.flatMap((goal) => ratioGoal(report, goal)),
    ...[3, 1].flatMap((holders) => lowestP99(report, holders)),
    ...flatPublisher(report),
    ...relayGoals(report),
    ...carried(report.dropin ?? []),
    ...recoveryCost(report),
    ...restored(report.recovery ?? []),
    ...copyLag(report.copy_lag ?? []),
    ...smallGoals(report),
  ];
}

function ratioGoal(report, { system = kSystem, of, holders, rate, least, most, text }) {
  const ratio = report.ratios.find(
    (each) =>
      each.system === system &&
      isMain(each) &&
      each.holders === holders &&
      each.offered_per_s === rate,
  );
  if (!ratio) return [];
  const lost = report.rows.find((row) => row.system === system && sameScenario(row, ratio)).lost;
  const within = least !== undefined ? ratio[of] >= least : ratio[of] <= most;
  return [
    {
      goal: text,
      wanted: least !== undefined ? `≥ ${least} × sharded` : `≤ ${most} × sharded`,
      measured: `${ratio[of]} ×` + (lost > 0 ? `, ${lost} lost` : ""),
      met: within && lost === 0,
    },
  ];
}

function lowestP99(report, holders) {
  const rows = report.rows.filter(
    (row) => isMain(row) && row.holders === holders && row.offered_per_s === 12_000 && row.p99_ms,
  );
  const own = rows.find((row) => row.system === kSystem);
  const others = rows.filter((row) => !row.system.startsWith(kSystem));
  if (!own || others.length === 0) return [];
  const best = others.reduce((least, row) => (row.p99_ms < least.p99_ms ? row : least));
  return [
    {
      goal: `p99 at 12,000/s the lowest of all, ${holders === 3 ? "all hold" : "one holds"} the room`,
      wanted: `≤ ${best.p99_ms} ms (${best.system})`,
      measured: `${own.p99_ms} ms`,
      met: own.p99_ms <= best.p99_ms,
    },
  ];
}

/** The publisher's Node process with the most receivers, to that with the fewest. */
function flatPublisher(report) {
  const rows = report.rows
    .filter(
      (row) =>
        row.system === kSystem &&
        isMain({ ...row, servers: 3 }) &&
        row.offered_per_s === 12_000 &&
        row.holders === row.servers,
    )
    .sort((one, other) => one.servers - other.servers);
  if (rows.length < 2) return [];
  const [few, many] = [rows[0], rows.at(-1)];
  const ratio = many.publisher_cpu_us_per_emit / few.publisher_cpu_us_per_emit;
  return [
    {
      goal: `publisher's Node CPU an emit, 1→${many.servers} to 1→${few.servers}`,
      wanted: `≤ ${kFlat} ×`,
      measured: `${ratio.toFixed(2)} ×`,
      met: ratio <= kFlat,
    },
  ];
}

function relayGoals(report) {
  return (report.relay ?? [])
    .filter(({ system }) => system === kSystem)
    .flatMap((row) => {
      const nats = report.relay.find(
        (other) =>
          other.system === "nats" &&
          other.publishers === row.publishers &&
          other.subscribers === row.subscribers,
      );
      if (!nats) return [];
      const ratio = row.deliveries_per_cpu_s / nats.deliveries_per_cpu_s;
      return [
        {
          goal: `relay alone, ${row.publishers}→${row.subscribers}: deliveries a CPU second`,
          wanted: "≥ 1 × nats-server",
          measured: `${ratio.toFixed(2)} ×` + (row.lost > 0 ? `, ${row.lost} lost` : ""),
          met: ratio >= 1 && row.lost === 0,
        },
      ];
    });
}

function carried(rows) {
  const found = [];
  for (const carry of rows.filter(({ way }) => way === "carry")) {
    const direct = rows.find((row) => row.way === "direct" && row.offered_per_s === carry.offered_per_s);
    const lost = carry.lost > 0 ? `, ${carry.lost} lost` : "";
    if (carry.offered_per_s === 0) {
      const share = Number((carry.frames_per_s / direct.frames_per_s).toFixed(3));
      found.push({
        goal: "drop-in: frames of 200 B carried, to those over a direct WebSocket",
        wanted: `≥ ${kCarriedShare} ×`,
        measured: `${share} ×${lost}`,
        met: share >= kCarriedShare && carry.lost === 0,
      });
    } else {
      const more = Math.round(carry.p50_us - direct.p50_us);
      found.push({
        goal: `drop-in: a carried frame's median latency at ${carry.offered_per_s}/s, more than a direct one's`,
        wanted: `≤ ${kCarriedMoreUs} µs`,
        measured: `${more} µs${lost}`,
        met: more <= kCarriedMoreUs && carry.lost === 0,
      });
    }
  }
  return found;
}

/** Recovery on, to the same without, all hold the room. */
function recoveryCost(report) {
  const row = (system) =>
    report.rows.find(
      (each) => each.suite === "recovery" && each.system === system && each.offered_per_s === 12_000,
    );
  const off = row(kSystem);
  const ratios = (on, what) =>
    Object.entries(kRecoveryMost).map(([figure, most]) => {
      const ratio = Number((on[figure] / off[figure]).toFixed(2));
      return {
        goal: `recovery on, ${what}: ${figure === "p50_ms" ? "median latency" : "CPU an emit"} at 12,000/s, to off`,
        wanted: `≤ ${most} ×`,
        measured: `${ratio} ×`,
        met: ratio <= most,
      };
    });
  return [
    [row(kRecovery), "no copies"],
    [row(kCopies), "a copy of each"],
  ].flatMap(([on, what]) => (on && off ? ratios(on, what) : []));
}

/** All of them, whole, and none waits long. */
function restored(rows) {
  return rows
    .filter(({ system }) => system === kRecovery || system === kCopies)
    .map(({ loss, sessions, recovered, missing_messages, p99_ms }) => ({
      goal: `${sessions.toLocaleString("en-US")} sessions recovered, ${losses[loss]}: p99 of restoreSession`,
      wanted: `≤ ${kRestoreMs} ms, all`,
      measured: `${p99_ms} ms, ${recovered}, ${missing_messages} messages missing`,
      met: p99_ms <= kRestoreMs && recovered === sessions && missing_messages === 0,
    }));
}

/** What a killed pod takes along. */
function copyLag(rows) {
  return rows.map(({ offered_per_s, p99_ms }) => ({
    goal: `lag of copies at ${offered_per_s.toLocaleString("en-US")}/s, p99`,
    wanted: `≤ ${kCopyLagMs} ms`,
    measured: p99_ms === undefined || p99_ms === null ? "over a second, or no samples" : `≤ ${p99_ms} ms`,
    met: typeof p99_ms === "number" && p99_ms <= kCopyLagMs,
  }));
}

function smallGoals(report) {
  const own = (section) => (report[section] ?? []).filter(({ system }) => system === kSystem);
  const limit = (goal, unit, value, most) => ({
    goal,
    wanted: `≤ ${most} ${unit}`,
    measured: `${value} ${unit}`,
    met: value <= most,
  });
  return [
    ...own("convergence").map(({ own_ms, others_ms }) =>
      limit(
        "a third server counts three, and is counted by the others",
        "ms",
        Math.max(own_ms, others_ms),
        kConvergenceMs,
      ),
    ),
    ...own("memory").map(({ largest_resident_mib }) =>
      limit("an idle sidecar's resident memory", "MiB", largest_resident_mib, kIdleMib),
    ),
    ...own("interest")
      .filter(({ rooms }) => rooms === kInterestRooms)
      .map(({ largest_resident_mib }) =>
        limit("a sidecar's memory with 300,000 rooms known", "MiB", largest_resident_mib, kInterestMib),
      ),
  ];
}

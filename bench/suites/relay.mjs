// The relay alone: publishers and subscribers in C++ (bench/native/relay) on one sidecar, on a sidecar
// each, and on nats-server, with the same payload, the same sizes of writes and the same window. What
// counts is deliveries by CPU time of the relays' processes; the generator's own is not in it.
import { cpuUs } from "../lib/proc.mjs";
import { median, significant, spread } from "../lib/stats.mjs";
import { NativeProgram, nativeMissing } from "../lib/native.mjs";
import { natsProgram, natsVersion, startNats } from "../systems/nats.mjs";
import { startSidecars, socketmeshSystems } from "../systems/socketmesh.mjs";

const kProgram = "bench_relay";
const kBytes = 128;
const kShapes = [
  { publishers: 1, subscribers: 1, messages: 1_000_000 },
  { publishers: 1, subscribers: 5, messages: 500_000 },
  { publishers: 5, subscribers: 5, messages: 100_000 },
];

const [socketmesh] = socketmeshSystems;

const kRelays = [
  {
    name: "socketmesh",
    title: "one sidecar",
    missing: () => socketmesh.missing(),
    start: (household) => sidecars(household, 1),
  },
  {
    name: "socketmesh-mesh",
    title: "a sidecar for each client",
    missing: () => socketmesh.missing(),
    start: (household, { publishers, subscribers }) => sidecars(household, publishers + subscribers),
  },
  {
    name: "nats",
    title: "nats-server",
    missing: () => (natsProgram() ? undefined : "no nats-server here: apt-get install nats-server"),
    start: startNats,
  },
];

export const relayTitles = Object.fromEntries(kRelays.map(({ name, title }) => [name, title]));

async function sidecars(household, count) {
  const mesh = await startSidecars(household, count);
  return {
    addresses: mesh.sidecars.map(({ socket }) => `unix:${socket}`),
    pids: () => mesh.sidecars.map(({ child }) => child.pid),
    stop: mesh.stop,
  };
}

export const name = "relay";

export async function run({ household, options, report, log }) {
  const programMissing = nativeMissing(kProgram);
  const relays = kRelays.filter((relay) => {
    const reason = programMissing ?? relay.missing();
    if (reason) report.skipped.push({ suite: name, system: relay.name, reason });
    return !reason;
  });
  if (relays.some((relay) => relay.name === "nats")) report.versions["nats-server"] = natsVersion();
  const series = kShapes.flatMap((shape) => relays.map((relay) => ({ relay, shape, runs: [] })));
  for (let round = 0; round < options.runs; round++) {
    for (const { relay, shape, runs } of round % 2 ? [...series].reverse() : series) {
      try {
        runs.push(await measure(household, relay, shape, options.quick));
        log(`relay, ${described(shape)}, ${relay.title}: ${outcome(runs.at(-1))}`);
      } catch (error) {
        report.failed.push({ suite: name, system: relay.name, reason: error.message });
        log(`relay, ${described(shape)}, ${relay.title}: failed: ${error.message}`);
      }
    }
  }
  report.relay.push(...series.filter(({ runs }) => runs.length > 0).map(row));
}

async function measure(household, relay, shape, quick) {
  const started = await relay.start(household, shape);
  let load;
  try {
    load = await NativeProgram.start(household, kProgram, [
      ...["--protocol", relay.name === "nats" ? "nats" : "app", "--bytes", kBytes],
      ...["--publishers", shape.publishers, "--subscribers", shape.subscribers],
      ...["--messages", quick ? shape.messages / 10 : shape.messages],
      ...["--connect", ...started.addresses],
    ]);
    await load.line();
    const cpu = () => started.pids().reduce((sum, pid) => sum + cpuUs(pid), 0);
    const before = cpu();
    const result = await load.ask("go");
    const cpuSeconds = (cpu() - before) / 1e6;
    const due = result.published * shape.subscribers;
    return {
      lost: due - result.delivered,
      per_second: result.delivered / result.seconds,
      per_cpu_second: result.delivered / cpuSeconds,
      cpu_us: (cpuSeconds * 1e6) / result.delivered,
    };
  } finally {
    await load?.end();
    await started.stop();
  }
}

function described({ publishers, subscribers }) {
  return `${publishers}→${subscribers}`;
}

function outcome({ per_second, per_cpu_second, lost }) {
  const million = (value) => `${(value / 1e6).toFixed(2)} M`;
  const losses = lost > 0 ? ` · ${lost} LOST` : "";
  return `${million(per_second)} deliveries/s, ${million(per_cpu_second)} a CPU second${losses}`;
}

function row({ relay, shape, runs }) {
  const of = (key) => median(runs.map((run) => run[key]));
  return {
    suite: name,
    system: relay.name,
    publishers: shape.publishers,
    subscribers: shape.subscribers,
    bytes: kBytes,
    deliveries_per_s: Math.round(of("per_second")),
    deliveries_per_cpu_s: Math.round(of("per_cpu_second")),
    cpu_us_per_delivery: significant(of("cpu_us")),
    lost: runs.reduce((sum, run) => sum + run.lost, 0),
    runs: runs.length,
    spread: significant(spread(runs.map((run) => run.per_cpu_second)), 2),
  };
}

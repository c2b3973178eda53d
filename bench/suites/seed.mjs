// The seed's shape: as many connections as this machine takes, over several servers, and the latency of
// a message to all of them then. Grows by steps until a step fails or the descriptors of a process are
// used up; says what the limit was. The publisher has no clients of its own: it stands for an emitter.
import { execSync } from "node:child_process";
import { freemem } from "node:os";
import { sleep } from "../lib/clock.mjs";
import { nativeMissing } from "../lib/native.mjs";
import { residentBytes } from "../lib/proc.mjs";
import { significant } from "../lib/stats.mjs";
import { Crowd, drained, kClientsProgram, kRoom, startServers } from "./crowds.mjs";

const kServers = 5; // with clients; and one without
const kStep = 10_000;
const kMost = 100_000;
const kSpareDescriptors = 500; // of a process, that are not connections
const kLeastFreeBytes = 2 * 2 ** 30;
const kRestMs = 2000;
const kEmits = 10;
const kEmitsPerSecond = 0.5; // one at a time: each is done before the next is due, or latency says not
const kBytes = 128;
const kSilenceMs = 10_000;
const kMiB = 1 << 20;

export const name = "seed";

export async function run({ household, systems, options, report, log }) {
  const reason = nativeMissing(kClientsProgram);
  if (reason) {
    report.skipped.push({ suite: name, system: "all", reason });
    return;
  }
  const most = options.connections?.at(-1) ?? (options.quick ? 1000 : kMost);
  for (const system of systems.filter(({ name: each }) => each === "socketmesh")) {
    try {
      const entry = await measure(household, system, most, options, log);
      report.seed.push(entry);
      log(
        `seed, ${system.name}: ${entry.connections} connections, a message to all: ` +
          `p50 ${entry.p50_ms} p99 ${entry.p99_ms} ms; limit: ${entry.limit}`,
      );
    } catch (error) {
      report.failed.push({ suite: name, system: system.name, reason: error.message });
      log(`seed, ${system.name}: failed: ${error.message}`);
    }
  }
}

async function measure(household, system, most, options, log) {
  const { cluster, ports } = await startServers(household, system, kServers + 1);
  const crowds = [];
  try {
    const before = serverBytes(cluster);
    const grown = await grow(household, ports.slice(1), crowds, most, log);
    await sleep(kRestMs);
    const perClient = (serverBytes(cluster) - before) / grown.connections;
    return {
      suite: name,
      system: system.name,
      servers: kServers,
      ...grown,
      server_kib_per_client: significant(perClient / 1024, 3),
      ...(await emit(cluster, crowds, grown.connections, options)),
      sidecar_resident_mib: significant(
        Math.max(...cluster.backend.processes().map(({ pid }) => residentBytes(pid))) / kMiB,
        3,
      ),
    };
  } finally {
    await Promise.all(crowds.map((crowd) => crowd.end()));
    await cluster.stop();
  }
}

function serverBytes(cluster) {
  return cluster.servers.slice(1).reduce((sum, { pid }) => sum + residentBytes(pid), 0);
}

/** Adds crowds of a step each; resolves to {connections, connects_per_s, limit}. */
async function grow(household, ports, crowds, most, log) {
  const descriptors = Number(execSync("ulimit -Hn", { encoding: "utf8", shell: "/bin/sh" }));
  const byDescriptors = ports.length * (descriptors - kSpareDescriptors);
  let connections = 0;
  let seconds = 0;
  let limit = "the suite's own step count";
  while (connections < most) {
    const step = Math.min(kStep, most - connections, byDescriptors - connections);
    if (step <= 0) {
      limit = `descriptors: ${descriptors} for each process (ulimit -Hn)`;
      break;
    }
    if (freemem() < kLeastFreeBytes) {
      limit = "memory";
      break;
    }
    const crowd = await Crowd.connect(household, ports, step);
    crowds.push(crowd);
    connections += crowd.begun.connected;
    seconds += crowd.begun.seconds;
    log(`seed: ${connections} connections, the last ${step} in ${crowd.begun.seconds} s`);
    if (crowd.begun.connected < step) {
      limit = crowd.begun.failure;
      break;
    }
  }
  return { connections, connects_per_s: Math.round(connections / seconds), limit };
}

/** A message to all now and then; the worst of the crowds' percentiles. */
async function emit(cluster, crowds, connections, options) {
  await Promise.all(crowds.map((crowd) => crowd.arm()));
  const emits = options.quick ? 2 : kEmits;
  const rate = options.quick ? 2 : kEmitsPerSecond;
  const { sent } = await cluster.publisher.call("publish", {
    ...{ room: kRoom, bytes: kBytes, rate, seconds: emits / rate, intended: true },
  });
  await drained(crowds, sent * connections, kSilenceMs);
  const reports = await Promise.all(crowds.map((crowd) => crowd.report()));
  const worst = (key) => significant(Math.max(...reports.map((each) => each[key])));
  const messages = reports.reduce((sum, each) => sum + each.messages, 0);
  return {
    emits: sent,
    lost: sent * connections - messages,
    p50_ms: worst("p50Ms"),
    p99_ms: worst("p99Ms"),
    p999_ms: worst("p999Ms"),
  };
}

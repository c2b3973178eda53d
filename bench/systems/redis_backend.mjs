// A redis-server of our own on a free port, without persistence.
import { execFileSync } from "node:child_process";
import { sleep } from "../lib/clock.mjs";
import { packageVersion } from "../lib/packages.mjs";
import { freePorts, isListening } from "../lib/ports.mjs";

const kProgram = "redis-server";
const kReadyMs = 5000;
const kPollMs = 20;

export function redisVersions() {
  return {
    "redis-server": /v=(\S+)/.exec(execFileSync(kProgram, ["--version"], { encoding: "utf8" }))[1],
    "@socket.io/redis-adapter": packageVersion("@socket.io/redis-adapter"),
    "@socket.io/redis-streams-adapter": packageVersion("@socket.io/redis-streams-adapter"),
    ioredis: packageVersion("ioredis"),
    redis: packageVersion("redis"),
  };
}

/** Sharded Pub/Sub came with Redis 7; Debian 12 has 7.0. */
export function redisMissing() {
  try {
    redisVersions();
    return undefined;
  } catch (error) {
    if (error.code === "ENOENT") return `no ${kProgram} here: apt-get install redis-server`;
    return `${error.message.split("\n", 1)[0]}: run 'npm ci' in bench/`;
  }
}

export async function startRedis(household) {
  const folder = household.folder();
  const [port] = await freePorts(1);
  const child = await household.start(kProgram, [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    ...["--save", "", "--appendonly", "no", "--daemonize", "no"],
  ]);
  await ready(child, port);
  return {
    options: () => ({ url: `redis://127.0.0.1:${port}` }),
    processes: () => [{ role: "broker", pid: child.pid }],
    async stop() {
      await household.end(child);
      household.remove(folder);
    },
  };
}

async function ready(child, port) {
  const deadline = Date.now() + kReadyMs;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${kProgram} does not come up: ${child.lastOutput()}`);
    }
    await sleep(kPollMs);
  }
}

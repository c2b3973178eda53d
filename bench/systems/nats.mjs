// nats-server of Debian, on a free port: what the relay suite compares a sidecar with. Not a system of
// the adapter suite: Socket.IO has no adapter for it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { sleep } from "../lib/clock.mjs";
import { freePorts, isListening } from "../lib/ports.mjs";

const kPrograms = ["/usr/sbin/nats-server", "/usr/bin/nats-server"];
const kReadyMs = 5000;
const kPollMs = 20;

export function natsProgram() {
  return kPrograms.find((path) => existsSync(path));
}

export function natsVersion() {
  return /v(\d\S*)/.exec(execFileSync(natsProgram(), ["--version"], { encoding: "utf8" }))[1];
}

/** Resolves to {address, pids(), stop()}. */
export async function startNats(household) {
  const [port] = await freePorts(1);
  const child = await household.start(natsProgram(), ["-a", "127.0.0.1", "-p", String(port)]);
  const deadline = Date.now() + kReadyMs;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`nats-server does not come up: ${child.lastOutput()}`);
    }
    await sleep(kPollMs);
  }
  return {
    addresses: [`127.0.0.1:${port}`],
    pids: () => [child.pid],
    stop: () => household.end(child),
  };
}

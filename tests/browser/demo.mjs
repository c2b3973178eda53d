// Starts the real demo (demo/run.mjs) on free ports, and finds and kills its processes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../support/ports.mjs";

const RUN = fileURLToPath(new URL("../../demo/run.mjs", import.meta.url));
const READY_WITHIN_MS = 30_000;
const POLL_MS = 20;

/** Waits until `probe` returns something true, and returns that. @param what for the error */
export async function until(what, probe, within_ms = 10_000) {
  const end = performance.now() + within_ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited ${within_ms} ms in vain for ${what}`);
    await sleep(POLL_MS);
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie is over; its parent has only not looked yet.
  return !/^\d+ \(.*\) Z/s.test(stat(pid));
}

function stat(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** Living children of a process: [{pid, command}]. */
export function childrenOf(parent) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => Number(/^\d+ \(.*\) [^Z] (\d+)/s.exec(stat(pid))?.[1]) === parent)
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

export class Demo {
  /** Starts the demo and waits until every server and every sidecar answers. */
  static async start(env = {}) {
    const ports = await freePorts(9);
    const demo = new Demo(ports, env);
    try {
      await demo.#ready();
    } catch (error) {
      await demo.stop("SIGKILL");
      throw new Error(`${error.message}\nThe demo said:\n${demo.output}`, { cause: error });
    }
    return demo;
  }

  constructor(ports, env) {
    const [chat, link, admin] = [ports.slice(0, 3), ports.slice(3, 6), ports.slice(6, 9)];
    this.chat = chat.map((port) => `http://127.0.0.1:${port}/`);
    this.admin = admin.map((port) => `http://127.0.0.1:${port}/`);
    this.output = "";
    // A process group of its own, as a shell gives it, so that Ctrl-C can be played.
    this.process = spawn(process.execPath, [RUN], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        DEMO_CHAT_PORTS: chat.join(),
        DEMO_LINK_PORTS: link.join(),
        DEMO_ADMIN_PORTS: admin.join(),
        ...env,
      },
    });
    this.pid = this.process.pid;
    this.exited = once(this.process, "exit").then(([code, signal]) => ({ code, signal }));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (this.output += text));
    }
  }

  /** The process id of server or sidecar `number` (from 1), undefined while it is down. */
  pidOf(what, number) {
    const marks = { server: "server.mjs", sidecar: `sidecar-${number}.yaml` };
    const found = childrenOf(this.pid).filter(({ pid, command }) => {
      if (!command.includes(marks[what]) || command.startsWith("setpriv")) return false;
      return what === "sidecar" || environOf(pid).includes(`CHAT_INDEX=${number}`);
    });
    return found[0]?.pid;
  }

  /** Kills it, and returns once a new one answers. */
  async killAndWait(what, number) {
    const before = this.pidOf(what, number);
    process.kill(before, "SIGKILL");
    await until(`${what} ${number} to be started again`, () => {
      const pid = this.pidOf(what, number);
      return pid !== undefined && pid !== before;
    });
    await until(`${what} ${number} to answer`, () =>
      what === "server" ? this.health(number) : this.isReady(number),
    );
  }

  /** What server `number` says of itself; undefined while it does not answer. */
  async health(number) {
    const answer = await fetch(new URL("healthz", this.chat[number - 1])).catch(() => undefined);
    return answer?.json();
  }

  /** Whether sidecar `number` is ready. */
  async isReady(number) {
    const answer = await fetch(new URL("readyz", this.admin[number - 1])).catch(() => undefined);
    return answer?.ok ?? false;
  }

  async status(number) {
    const answer = await fetch(new URL("status", this.admin[number - 1]));
    return answer.json();
  }

  /** Ends it as a terminal does, by default; returns how it exited. */
  async stop(signal = "SIGINT") {
    if (isAlive(this.pid)) process.kill(-this.pid, signal);
    return this.exited;
  }

  async #ready() {
    await until("the demo to say that it is up", () => {
      if (!isAlive(this.pid)) throw new Error("the demo ended");
      return /up after/.test(this.output);
    }, READY_WITHIN_MS);
    for (const number of [1, 2, 3]) {
      await until(`server ${number} to see three servers`, async () => {
        return (await this.health(number))?.servers === 3;
      });
    }
  }
}

function environOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

// One process of a system, in its place: started, killed, frozen, and started again.
//
// Where `setpriv` is there (util-linux, so everywhere on Debian) the kernel kills each process when the
// lab is gone, however that came about; in all other ends the Household does.

import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { signalAll, tree } from "../../bench/lib/process_tree.mjs";

const bound = spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;
/** A machine that is busy with other things is slow. */
const READY_MS = 60_000;
const asRoot = process.getuid() === 0;

/** The command that runs `command` as `user`; as oneself where one is not root anyway. */
export function commandAs(user, command) {
  const flags = bound ? ["--pdeathsig", "KILL"] : [];
  if (user && asRoot) flags.push(`--reuid=${user}`, `--regid=${user}`, "--init-groups");
  return flags.length > 0 ? ["setpriv", ...flags, "--", ...command] : command;
}

export class Place {
  #household;
  #spec;
  #child;
  #frozen = [];
  #timer;
  #starting;
  /** While false, an end is wanted and not repaired. */
  #kept = false;

  /**
   * @param spec {name, command: [file, ...args], env?, user?, cwd?, restart_ms?} `restart_ms`: how long
   * after an end that nobody asked for it is started again; never when absent
   */
  constructor(household, spec) {
    this.#household = household;
    this.#spec = spec;
  }

  get name() {
    return this.#spec.name;
  }

  get pid() {
    return this.#child?.pid;
  }

  start() {
    this.#kept = true;
    return this.#spawn();
  }

  async #spawn() {
    const { name, command, env, user, cwd, restart_ms } = this.#spec;
    const [file, ...args] = commandAs(user, command);
    const options = { env: { ...process.env, ...env }, cwd };
    this.#starting = this.#household.start(file, args, options).catch((error) => {
      throw new Error(`${name} can't be started: ${error.message}`);
    });
    const child = await this.#starting;
    this.#child = child;
    child.once("exit", (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      this.lastEnd = `${signal ?? `exit code ${code}`}: ${child.lastOutput().split("\n").slice(-3).join(" | ")}`;
      if (!this.#kept || restart_ms === undefined) return;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#spawn().catch(() => {});
      }, restart_ms);
    });
  }

  /** Resolves when `probe` returns something true; throws with the process's last words otherwise. */
  async ready(probe, within_ms = READY_MS) {
    const end = performance.now() + within_ms;
    for (;;) {
      if (await probe()) return;
      await this.#starting;
      const dead = this.#child === undefined && this.#timer === undefined;
      if (dead) throw new Error(`${this.name} does not come up (${this.lastEnd})`);
      if (performance.now() > end) {
        const words = this.#child?.lastOutput().split("\n").slice(-3).join(" | ") || "it says nothing";
        throw new Error(`${this.name} does not come up in ${within_ms / 1000} s (${words})`);
      }
      await sleep(25);
    }
  }

  /** At once. It is started again if its spec says so. */
  kill(signal = "SIGKILL") {
    this.#child?.kill(signal);
  }

  /** Ends it in good order, by force after `grace_ms`, and for good. */
  async stop(signal = "SIGTERM", grace_ms = 8000) {
    this.#kept = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#starting?.catch(() => {});
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), grace_ms);
    await ended;
    clearTimeout(force);
  }

  /** Stops it and everything below it in mid-air: to others it is as if the network were gone. */
  freeze() {
    if (!this.#child) return;
    this.#frozen = tree(this.#child.pid);
    signalAll(this.#frozen, "SIGSTOP");
  }

  thaw() {
    signalAll(this.#frozen.reverse(), "SIGCONT");
    this.#frozen = [];
  }
}

/** Starts each in turn: [place, probe][] */
export async function startAll(places) {
  await Promise.all(places.map(([place]) => place.start()));
  await Promise.all(places.map(([place, probe]) => place.ready(probe)));
}

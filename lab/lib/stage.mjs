// A system on this machine, up and running: its backend, three chat servers, the balancer in front.

import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { busyPorts } from "../../demo/preflight.mjs";
import { Place, startAll } from "./place.mjs";

export const HOST = "127.0.0.1";
export const SERVERS = 3;
const CHAT = fileURLToPath(new URL("../chat/server.mjs", import.meta.url));
/** How long a kubelet would take to put a dead server back. */
const RESTART_MS = 1000;
const CONVERGE_MS = 25_000;

const PORTS_EACH = 20;

/** Ports of the system at `index`: front, the seed's front, servers, then what backends take. */
export function portsFrom(base, index) {
  const first = base + PORTS_EACH * index;
  return {
    front: first,
    seedFront: first + 1,
    servers: [first + 2, first + 3, first + 4],
    backend: Array.from({ length: 12 }, (_, i) => first + 5 + i),
  };
}

export class Stage {
  servers = [];
  #places = [];

  constructor(household, system, ports, variant) {
    this.variant = variant;
    this.household = household;
    this.system = system;
    this.ports = ports;
  }

  /** @param variant the name of a property of the system: more variables for its servers */
  static async start(household, system, ports, variant) {
    const stage = new Stage(household, system, ports, variant);
    try {
      await stage.#start();
      return stage;
    } catch (error) {
      await stage.stop();
      throw error;
    }
  }

  get url() {
    return `http://${HOST}:${this.ports.front}`;
  }

  /** A folder of this stage's own that other users of this machine (postgres) may enter. */
  folder(name) {
    const path = join(this.root, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** A process of this stage, which does not outlive it. */
  place(spec) {
    const place = new Place(this.household, spec);
    this.#places.push(place);
    return place;
  }

  async #start() {
    const { front, seedFront, servers, backend } = this.ports;
    const busy = await busyPorts(HOST, [front, seedFront, ...servers, ...backend]);
    if (busy.length > 0) {
      throw new Error(`${busy.map(({ port, why }) => `port ${port} is ${why}`).join("; ")} (LAB_PORT moves all)`);
    }
    this.root = this.household.folder();
    chmodSync(this.root, 0o755);
    this.backend = await this.system.startBackend(this);
    this.servers = servers.map((port, i) => this.#server(i, port));
    await startAll(this.servers.map((place, i) => [place, () => this.health(i)]));
    this.front = await this.system.startFront(this);
    await this.converged();
  }

  #server(index, port) {
    return this.place({
      name: `chat server s${index + 1}`,
      command: [process.execPath, CHAT],
      restart_ms: RESTART_MS,
      env: {
        CHAT_NAME: `s${index + 1}`,
        CHAT_LISTEN: `${HOST}:${port}`,
        CHAT_SERVERS: JSON.stringify(this.ports.servers),
        ...this.backend.env(index),
        ...this.system[this.variant],
      },
    });
  }

  /** What server `index` says of itself; undefined while it does not answer. */
  async health(index) {
    const url = `http://${HOST}:${this.ports.servers[index]}/healthz`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    return answer?.ok ? answer.json().catch(() => undefined) : undefined;
  }

  /** Resolves when each server counts all of them, and the balancer answers for each. */
  async converged(within_ms = CONVERGE_MS) {
    const end = performance.now() + within_ms;
    for (;;) {
      const health = await Promise.all(this.servers.map((_, i) => this.health(i)));
      if (health.every((each) => each?.servers === SERVERS) && (await this.#frontSees(SERVERS))) return;
      if (performance.now() > end) {
        const seen = health.map((each, i) => `s${i + 1} ${each ? `counts ${each.servers}` : "does not answer"}`);
        throw new Error(`the servers do not come together: ${seen.join(", ")}`);
      }
      await sleep(50);
    }
  }

  async #frontSees(count) {
    const seen = new Set();
    for (let i = 0; i < 3 * count; i++) {
      const answer = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      if (!answer?.ok) return false;
      seen.add((await answer.json()).name);
    }
    return seen.size === count;
  }

  /** Restarts server `index` in good order, with what belongs to its pod. */
  async roll(index) {
    await this.servers[index].stop();
    await this.backend.rollBeside?.(index);
    await this.servers[index].start();
    await this.servers[index].ready(() => this.health(index));
  }

  async stop() {
    await Promise.all([
      this.front?.stop(),
      ...this.servers.map((server) => server.stop("SIGKILL")),
    ]);
    await this.backend?.stop?.();
    // Whatever a start that failed, or a fault, has left.
    await Promise.all(this.#places.map((place) => place.stop("SIGKILL")));
    if (this.root) this.household.remove(this.root);
  }
}

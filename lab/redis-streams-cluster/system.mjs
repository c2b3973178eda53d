// The chat on the Redis Streams adapter, on a Redis Cluster of three masters and three replicas, with
// connection state recovery; HAProxy in front.

import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isListening } from "../../bench/lib/ports.mjs";
import { startHaproxy } from "../lib/haproxy.mjs";
import { startAll } from "../lib/place.mjs";
import { HOST } from "../lib/stage.mjs";
import { sleepUntilReady } from "../lib/wait.mjs";
import { parseNodes } from "./nodes.mjs";

const CONFIG = fileURLToPath(new URL("redis.conf", import.meta.url));
const NODES = 6;
/** The adapter's stream: one key, so one slot, so one master carries everything. */
const STREAM = "socket.io";
const CLI_MS = 20_000;
const BUS_OFFSET = 10_000;

const run = promisify(execFile);

async function cli(port, ...args) {
  const { stdout } = await run("redis-cli", ["-h", HOST, "-p", `${port}`, ...args], { timeout: CLI_MS });
  return stdout.trim();
}

class Cluster {
  constructor(stage) {
    this.ports = stage.ports.backend.slice(0, NODES);
    this.nodes = this.ports.map((port, i) =>
      stage.place({
        name: `redis ${i + 1}`,
        command: [
          "redis-server", CONFIG, "--port", `${port}`, "--bind", HOST,
          "--cluster-port", `${port + BUS_OFFSET}`, "--dir", stage.folder(`redis-${i + 1}`),
        ],
      }),
    );
  }

  async start() {
    await startAll(this.nodes.map((node, i) => [node, () => isListening(this.ports[i])]));
    const addresses = this.ports.map((port) => `${HOST}:${port}`);
    await cli(this.ports[0], "--cluster", "create", ...addresses, "--cluster-replicas", "1", "--cluster-yes");
    await sleepUntilReady(async () => (await this.#masters()).length === 3 && (await this.#isWhole()));
  }

  async #view() {
    for (const port of this.ports) {
      const text = await cli(port, "cluster", "nodes").catch(() => "");
      if (text.includes("myself")) return parseNodes(text);
    }
    return [];
  }

  async #masters() {
    return (await this.#view()).filter(({ master, failed }) => master && !failed);
  }

  /** Every slot has a master, every master a replica that has all it has, and all nodes know. */
  async #isWhole() {
    const views = await Promise.all(
      this.ports.map((port) => cli(port, "cluster", "info").catch(() => "cluster_state:fail")),
    );
    if (!views.every((text) => text.includes("cluster_state:ok"))) return false;
    const roles = await Promise.all(this.ports.map((port) => cli(port, "role")));
    return roles.every((role) => role.startsWith("master") || role.includes("connected"));
  }

  async #owner() {
    const slot = Number(await cli(this.ports[0], "cluster", "keyslot", STREAM).catch(() =>
      cli(this.ports[1], "cluster", "keyslot", STREAM)));
    const masters = await this.#masters();
    return masters.find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to));
  }

  /** Kills the master that carries the stream, and waits until another one does. */
  async killOwner() {
    const owner = await this.#owner();
    this.dead = this.ports.indexOf(owner.port);
    this.nodes[this.dead].kill();
    await sleepUntilReady(async () => (await this.#ownerAmongOthers(owner.port)) !== undefined);
  }

  async heal() {
    await this.nodes[this.dead].start();
    await this.nodes[this.dead].ready(() => this.#isWhole().catch(() => false));
  }

  async #ownerAmongOthers(port) {
    const alive = this.ports.find((other) => other !== port);
    const slot = Number(await cli(alive, "cluster", "keyslot", STREAM));
    return parseNodes(await cli(alive, "cluster", "nodes")).find(
      (node) =>
        node.master && !node.failed && node.port !== port &&
        node.slots.some(([from, to]) => from <= slot && slot <= to),
    );
  }

  /** As an administrator does it: a master hands over to a replica before it is restarted. */
  async roll(index) {
    const port = this.ports[index];
    const view = parseNodes(await cli(port, "cluster", "nodes"));
    const self = view.find((node) => node.port === port);
    const replica = view.find((node) => node.masterId === self.id && !node.failed);
    if (self.master && replica) {
      await cli(replica.port, "cluster", "failover");
      await sleepUntilReady(async () => (await cli(port, "role")).startsWith("slave"));
    }
    await this.nodes[index].stop();
    await this.nodes[index].start();
    await this.nodes[index].ready(async () => {
      return (await isListening(port)) && (await this.#isWhole().catch(() => false));
    });
    await sleep(200);
  }
}

export const system = {
  name: "redis-streams-cluster",
  title: "Redis Streams, cluster",
  ours: false,
  parts: "@socket.io/redis-streams-adapter on 3 Redis masters and 3 replicas, recovery on, HAProxy",
  programs: ["redis-server", "redis-cli", "haproxy"],
  seedEnv: { CHAT_REDIS_PLAIN: "1" },

  async startBackend(stage) {
    const cluster = new Cluster(stage);
    await cluster.start();
    return {
      env: () => ({
        CHAT_ADAPTER: "redis-streams",
        CHAT_REDIS: cluster.ports.map((port) => `redis://${HOST}:${port}`).join(),
        CHAT_RECOVERY: "1",
      }),
      places: () => cluster.nodes,
      killLabel: "master of the stream killed",
      kill: () => cluster.killOwner(),
      healLabel: "it is back as a replica",
      heal: () => cluster.heal(),
      rolls: () =>
        cluster.nodes.map((_, i) => ({ label: `redis ${i + 1}`, roll: () => cluster.roll(i) })),
    };
  },

  startFront: startHaproxy,
};

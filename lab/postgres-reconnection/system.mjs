// Durable delivery: a Postgres primary and its replica under repmgr, written to the one and read from the
// other; messages travel by SocketMesh, or, with MONGO_URL, by the MongoDB adapter as in the seed.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, copyFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { startHaproxy } from "../lib/haproxy.mjs";
import { HOST } from "../lib/stage.mjs";
import { sidecarsMissing, startSidecars } from "../lib/sidecars.mjs";
import { sleepUntilReady } from "../lib/wait.mjs";
import { RECOVERY } from "../socketmesh/system.mjs";

const FILES = ["node.sh", "postgresql.conf", "pg_hba.conf", "schema.sql"];
const POSTGRES = "/usr/lib/postgresql";
/** Postgres refuses to be root; Debian has made a user for it. */
const USER = "postgres";
const SIDECAR_PORTS = 6;
const START_MS = 60_000;

/** What this system needs of Postgres and this machine lacks. */
export function postgresMissing() {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES) : [];
  const complete = versions.some((version) =>
    ["postgres", "repmgr", "repmgrd"].every((name) => existsSync(`${POSTGRES}/${version}/bin/${name}`)),
  );
  return complete ? undefined : `no ${POSTGRES}/*/bin with postgres and repmgrd: scripts/deps.sh lab installs both`;
}

function ownerId(flag) {
  return Number(execFileSync("id", [flag, USER], { encoding: "utf8" }));
}

class Node {
  folder;
  #env;
  #script;

  constructor(stage, id, port, peerPort, password) {
    const folder = stage.folder(`pg${id}`);
    if (process.getuid() === 0) chownSync(folder, ownerId("-u"), ownerId("-g"));
    this.folder = folder;
    this.#env = {
      NODE_ID: `${id}`,
      NODE_ROLE: id === 1 ? "primary" : "standby",
      NODE_DIR: folder,
      NODE_HOST: HOST,
      NODE_PORT: `${port}`,
      PEER_HOST: HOST,
      PEER_PORT: `${peerPort}`,
      NODE_PASSWORD: password,
      PGCONNECT_TIMEOUT: "2",
    };
    this.#script = join(stage.folder("node"), "node.sh");
    this.port = port;
    this.password = password;
    this.server = stage.place(this.spec(`postgres ${id}`, "server"));
    this.watch = stage.place(this.spec(`repmgrd ${id}`, "watch"));
  }

  /** node.sh doing `verb`, as a Place takes it; with other variables. */
  spec(name, verb, variables = {}) {
    const env = { ...this.#env, ...variables };
    return { name, command: [this.#script, verb], user: USER, cwd: this.folder, env };
  }

  async query(text) {
    const client = new pg.Client({
      host: HOST, port: this.port, user: "repmgr", password: this.password, database: "repmgr",
      connectionTimeoutMillis: 1000, query_timeout: 3000,
    });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** "primary", "standby", or undefined when it does not answer. */
  role() {
    return this.query("select pg_is_in_recovery() as standby").then(
      ([{ standby }]) => (standby ? "standby" : "primary"),
      () => undefined,
    );
  }

  /** Whether its repmgrd runs: from then on it stands in for a primary that dies. */
  async isWatched() {
    const rows = await this.query("select repmgr.repmgrd_is_running() as yes").catch(() => []);
    return rows.some(({ yes }) => yes);
  }

  async stop() {
    await Promise.all([this.watch.stop("SIGKILL"), this.server.stop("SIGQUIT", 3000)]);
  }
}

/** A primary, its replica and their watchers. */
export class Pair {
  password = randomBytes(12).toString("hex");

  constructor(stage, [first, second]) {
    // Copies, as the user postgres may not be let into this tree.
    const folder = stage.folder("node");
    for (const file of FILES) copyFileSync(new URL(file, import.meta.url), join(folder, file));
    const { password } = this;
    this.nodes = [new Node(stage, 1, first, second, password), new Node(stage, 2, second, first, password)];
  }

  async start() {
    const [primary, standby] = this.nodes;
    await Promise.all(this.nodes.map(({ server }) => server.start()));
    await primary.server.ready(async () => (await primary.role()) === "primary", START_MS);
    await primary.watch.start(); // registers it, which the standby waits for
    await standby.server.ready(async () => (await standby.role()) === "standby", START_MS);
    await standby.watch.start();
    await standby.watch.ready(() => this.#isSynchronous(primary), START_MS);
    await standby.watch.ready(() => standby.isWatched(), START_MS);
  }

  async #isSynchronous(primary) {
    const rows = await primary.query("select sync_state from pg_stat_replication").catch(() => []);
    return rows.some(({ sync_state }) => sync_state === "sync");
  }

  /** Kills the primary; resolves when the standby has been promoted and takes writes. */
  async killPrimary() {
    const roles = await Promise.all(this.nodes.map((node) => node.role()));
    this.dead = this.nodes[roles.indexOf("primary")];
    this.leader = this.nodes[roles.indexOf("standby")];
    // The machine is gone, its watcher with it.
    this.dead.watch.kill();
    this.dead.server.kill();
    await sleepUntilReady(async () => (await this.leader.role()) === "primary", 40_000);
  }

  /** The dead one comes back, finds that it leads no more, and becomes the replica. */
  async heal() {
    await this.dead.server.start();
    await this.dead.server.ready(async () => (await this.dead.role()) === "standby", START_MS);
    await this.dead.watch.start();
    await this.dead.watch.ready(() => this.#isSynchronous(this.leader), START_MS);
    await this.dead.watch.ready(() => this.dead.isWatched(), START_MS);
  }

  /** A restart in place, shorter than what repmgr takes for a death. */
  async roll(node) {
    const role = await node.role();
    await node.server.stop("SIGINT", 5000); // a fast shutdown: sessions are ended, nothing is lost
    await node.server.start();
    await node.server.ready(async () => (await node.role()) === role);
    if (role === "standby") await sleepUntilReady(() => this.#isSynchronous(this.nodes[0]));
  }

  places() {
    return this.nodes.flatMap(({ server, watch }) => [watch, server]);
  }

  async reset() {
    const { password, nodes: [{ port }] } = this;
    const client = new pg.Client({ host: HOST, port, user: "chat", password, database: "chat" });
    await client.connect();
    await client.query("truncate messages; update last set id = 0");
    await client.end();
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

async function startBackend(stage, adapterEnv, sidecars) {
  const ports = stage.ports.backend.slice(SIDECAR_PORTS, SIDECAR_PORTS + 2);
  const pair = new Pair(stage, ports);
  await pair.start();
  return {
    env: (index) => ({
      CHAT_POSTGRES: ports.map((port) => `${HOST}:${port}`).join(),
      PGPASSWORD: pair.password,
      CHAT_RECOVERY: RECOVERY || !sidecars ? "1" : "0",
      ...adapterEnv(index),
    }),
    places: () => [...pair.places(), ...(sidecars?.places ?? [])],
    killLabel: "Postgres primary killed",
    kill: () => pair.killPrimary(),
    healLabel: "it is back as the replica",
    heal: () => pair.heal(),
    killBeside: sidecars?.kill,
    rollBeside: sidecars && ((index) => sidecars.roll(index)),
    rolls: () =>
      [...pair.nodes].reverse().map((node) => ({ label: node.server.name, roll: () => pair.roll(node) })),
    reset: () => pair.reset(),
    figures: () => Promise.all(stage.servers.map(async (_, i) => (await stage.health(i))?.history)),
    stop: () => pair.stop(),
  };
}

export const system = {
  name: "postgres-reconnection",
  title: "Postgres and SocketMesh",
  ours: true,
  parts: "SocketMesh carries; Postgres primary and synchronous replica under repmgr keep; HAProxy",
  programs: ["haproxy", "setpriv"],
  missing: () => sidecarsMissing() ?? postgresMissing(),

  async startBackend(stage) {
    const sidecars = await startSidecars(stage, stage.ports.backend.slice(0, SIDECAR_PORTS), {
      recovery: RECOVERY,
    });
    const env = (index) => ({ CHAT_ADAPTER: "socketmesh", ...sidecars.env(index) });
    return startBackend(stage, env, sidecars);
  },

  startFront: startHaproxy,
};

/** As in the seed: MongoDB carries. For those who have one: MONGO_URL=mongodb://…/?replicaSet=… */
export const mongo = {
  name: "postgres-mongodb",
  title: "Postgres and MongoDB",
  ours: false,
  parts: "@socket.io/mongo-adapter on your MongoDB carries; Postgres as beside; HAProxy",
  programs: ["haproxy", "setpriv"],
  missing: () =>
    process.env.MONGO_URL
      ? postgresMissing()
      : "MONGO_URL is not set: Debian has no mongod, so it runs where you have a replica set",

  startBackend: (stage) =>
    startBackend(stage, () => ({ CHAT_ADAPTER: "mongo", MONGO_URL: process.env.MONGO_URL })),

  startFront: startHaproxy,
};

// SocketMesh: one real sidecar process for each server process, joined by static discovery; an app
// reaches its own sidecar through a unix socket, as in a pod.
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "../lib/clock.mjs";
import { packageVersion } from "../lib/packages.mjs";
import { freePorts } from "../lib/ports.mjs";

const kProgram = fileURLToPath(new URL("../../build/bin/socketmesh-sidecar", import.meta.url));
const kAdapter = "@socketmesh/adapter";
const kReadyMs = 5000;
const kPollMs = 20;

/** One sidecar of the mesh: its files and ports, and, once started, its process. */
class Sidecar {
  #household;

  constructor(household, folder, index, linkPort, adminPort) {
    this.#household = household;
    this.index = index;
    this.linkPort = linkPort;
    this.adminPort = adminPort;
    this.socket = join(folder, `app-${index}.sock`);
    this.configFile = join(folder, `sidecar-${index}.yaml`);
  }

  async start(peers) {
    writeFileSync(
      this.configFile,
      [
        "mesh: {name: bench}",
        `app: {listen: "unix:${this.socket}"}`,
        `link: {listen: "127.0.0.1:${this.linkPort}"}`,
        `admin: {listen: "127.0.0.1:${this.adminPort}"}`,
        `discovery: {static: ${JSON.stringify(peers.map((peer) => `127.0.0.1:${peer.linkPort}`))}}`,
        "",
      ].join("\n"),
    );
    this.child = await this.#household.start(kProgram, ["--config", this.configFile]);
  }

  async ready() {
    const deadline = Date.now() + kReadyMs;
    while (!existsSync(this.socket)) {
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`sidecar ${this.index} does not come up: ${this.child.lastOutput()}`);
      }
      await sleep(kPollMs);
    }
  }
}

export const socketmesh = {
  name: "socketmesh",
  title: "SocketMesh",
  promises:
    "reliable inside bounded windows: retransmitted over reconnects, gaps declared; routed by rooms",

  versions() {
    const sidecar = execFileSync(kProgram, ["--version"], { encoding: "utf8" }).trim();
    return { [kAdapter]: packageVersion(kAdapter), "socketmesh-sidecar": sidecar };
  },

  missing() {
    if (!existsSync(kProgram)) return `no ${kProgram} here: run 'make build'`;
    try {
      packageVersion(kAdapter);
    } catch (error) {
      return `${error.message}: run 'make build'`;
    }
    return undefined;
  },

  async start(household, { servers }) {
    const folder = household.folder();
    const ports = await freePorts(2 * servers);
    const sidecars = Array.from(
      { length: servers },
      (_, index) => new Sidecar(household, folder, index, ports[2 * index], ports[2 * index + 1]),
    );
    await Promise.all(
      sidecars.map((sidecar) => sidecar.start(sidecars.filter((peer) => peer !== sidecar))),
    );
    await Promise.all(sidecars.map((sidecar) => sidecar.ready()));
    return {
      options: (index) => ({ socket: `unix:${sidecars[index].socket}` }),
      processes: () =>
        sidecars.map(({ index, child }) => ({
          role: index === 0 ? "publisher's sidecar" : "receivers' sidecars",
          pid: child.pid,
        })),
      async stop() {
        await Promise.all(sidecars.map(({ child }) => household.end(child)));
        household.remove(folder);
      },
    };
  },

  async connect({ socket }) {
    const { createAdapter } = await import(kAdapter);
    return createAdapter({ socket });
  },
};

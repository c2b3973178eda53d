// SocketMesh: one real sidecar process for each server process, joined by static discovery; an app
// reaches its own sidecar through a unix socket, as in a pod. Systems: links in plain text (as the other
// systems have theirs), links under mTLS, and plain links with recovery on, without and with copies.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "../lib/clock.mjs";
import { packageVersion } from "../lib/packages.mjs";
import { freePorts } from "../lib/ports.mjs";
import { issueCertificate } from "./certificates.mjs";

const kProgram = fileURLToPath(new URL("../../build/bin/socketmesh-sidecar", import.meta.url));
const kAdapter = "@socketmesh/adapter";
const kReadyMs = 5000;
const kPollMs = 20;
const kRecovery = "recovery: {window: 120s, memory: 64MiB, replicas: 0}";
const kCopies = "recovery: {window: 120s, memory: 64MiB, replicas: 1}";

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

  async start(peers, extra) {
    writeFileSync(
      this.configFile,
      [
        "mesh: {name: bench}",
        `app: {listen: "unix:${this.socket}"}`,
        `link: {listen: "127.0.0.1:${this.linkPort}"}`,
        `admin: {listen: "127.0.0.1:${this.adminPort}"}`,
        `discovery: {static: ${JSON.stringify(peers.map((peer) => `127.0.0.1:${peer.linkPort}`))}}`,
        ...extra,
        "",
      ].join("\n"),
    );
    this.child = await this.#household.start(kProgram, ["--config", this.configFile]);
  }

  async status() {
    return (await fetch(`http://127.0.0.1:${this.adminPort}/status`)).json();
  }

  /** Whether it is linked to `peers` others. */
  async linked(peers) {
    const { links } = await this.status();
    return links.filter(({ state }) => state === "linked").length === peers;
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

/** Resolves when each has a link to all others. */
async function linkedUp(sidecars) {
  const deadline = Date.now() + kReadyMs;
  for (;;) {
    const all = await Promise.all(sidecars.map((sidecar) => sidecar.linked(sidecars.length - 1)));
    if (all.every((each) => each)) return;
    if (Date.now() > deadline) throw new Error("the sidecars do not link up");
    await sleep(kPollMs);
  }
}

/**
 * A mesh of `count` sidecars, linked up, in a folder of their own. `extra(folder)`: lines for their
 * configuration. Resolves to {sidecars, stop()}.
 */
export async function startSidecars(household, count, extra = () => []) {
  const folder = household.folder();
  const lines = extra(folder);
  const ports = await freePorts(2 * count);
  const sidecars = Array.from(
    { length: count },
    (_, index) => new Sidecar(household, folder, index, ports[2 * index], ports[2 * index + 1]),
  );
  await Promise.all(
    sidecars.map((sidecar) => sidecar.start(sidecars.filter((peer) => peer !== sidecar), lines)),
  );
  await Promise.all(sidecars.map((sidecar) => sidecar.ready()));
  await linkedUp(sidecars);
  return {
    sidecars,
    async stop() {
      await Promise.all(sidecars.map(({ child }) => household.end(child)));
      household.remove(folder);
    },
  };
}

function versions() {
  const sidecar = execFileSync(kProgram, ["--version"], { encoding: "utf8" }).trim();
  return {
    [kAdapter]: packageVersion(kAdapter),
    "socketmesh-sidecar": sidecar.replace(/^socketmesh-sidecar /, ""),
  };
}

function missing() {
  if (!existsSync(kProgram)) return `no ${kProgram} here: run 'make build'`;
  try {
    packageVersion(kAdapter);
  } catch (error) {
    return `${error.message}: run 'make build'`;
  }
  return undefined;
}

/** Asks the sidecar itself whether it knows the section; a build without recovery refuses it. */
function recoveryMissing() {
  const reason = missing();
  if (reason) return reason;
  const file = join(process.env.TMPDIR ?? "/tmp", `socketmesh-bench-${process.pid}.yaml`);
  const config = ["mesh: {name: bench}", 'link: {listen: "127.0.0.1:7400"}', "discovery: {static: []}"];
  writeFileSync(file, [...config, kRecovery, ""].join("\n"));
  try {
    execFileSync(kProgram, ["--config", file, "--check-config"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "this build of the sidecar has no recovery";
  } finally {
    rmSync(file);
  }
}

function system({ extra, ...rest }) {
  return {
    versions,
    missing,
    async start(household, { servers }) {
      const { sidecars, stop } = await startSidecars(household, servers, extra);
      return {
        options: (index) => ({ socket: `unix:${sidecars[index].socket}` }),
        processes: () =>
          sidecars.map(({ index, child }) => ({
            role: index === 0 ? "publisher's sidecar" : "receivers' sidecars",
            pid: child.pid,
          })),
        sidecars,
        stop,
      };
    },
    async connect({ socket }) {
      const { createAdapter } = await import(kAdapter);
      return createAdapter({ socket });
    },
    ...rest,
  };
}

const kPromise = "reliable inside bounded windows: retransmitted over reconnects, gaps declared";

export const socketmeshSystems = [
  system({ name: "socketmesh", title: "SocketMesh", promises: `${kPromise}; routed by rooms` }),
  system({
    name: "socketmesh-mtls",
    title: "SocketMesh, mTLS links",
    promises: `${kPromise}; routed by rooms; links encrypted, both ends proven (TLS 1.3)`,
    extra: (folder) => {
      const { ca, cert, key } = issueCertificate(folder);
      return [`tls: {ca: "${ca}", cert: "${cert}", key: "${key}"}`];
    },
  }),
  system({
    name: "socketmesh-recovery",
    title: "SocketMesh, recovery on",
    promises: `${kPromise}; routed by rooms; clients that reconnect within 2 minutes get what they missed`,
    missing: recoveryMissing,
    serverOptions: { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } },
    extra: () => [kRecovery],
  }),
  system({
    name: "socketmesh-copies",
    title: "SocketMesh, recovery on, a copy of each",
    promises: `${kPromise}; routed by rooms; clients of a killed pod that reconnect within 2 minutes get what they missed`,
    missing: recoveryMissing,
    serverOptions: { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } },
    extra: () => [kCopies],
  }),
];

// Real sidecar processes with a configuration of their own in a temporary directory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.mjs";

const BINARY =
  process.env.SIDECAR_BINARY ?? fileURLToPath(new URL("../../../build/bin/socketmesh-sidecar", import.meta.url));

/** A port that was free a moment ago. */
export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export class Sidecar {
  constructor({ name, directory, linkPort, adminPort, peers, mesh = "test", listen }) {
    this.name = name;
    this.log = join(directory, `${name}.log`);
    this.config = join(directory, `${name}.yaml`);
    this.path = join(directory, `${name}.sock`);
    this.address = listen ?? `unix:${this.path}`;
    this.adminPort = adminPort;
    const addresses = peers.map((port) => `"127.0.0.1:${port}"`).join(", ");
    writeFileSync(
      this.config,
      [
        `mesh: {name: ${mesh}}`,
        `app: {listen: "${this.address.replace("tcp://", "")}"}`,
        `link: {listen: "127.0.0.1:${linkPort}"}`,
        `admin: {listen: "127.0.0.1:${adminPort}"}`,
        `discovery: {static: [${addresses}]}`,
        "",
      ].join("\n"),
    );
  }

  async start() {
    const log = openSync(this.log, "a");
    this.process = spawn(BINARY, ["--config", this.config], { stdio: ["ignore", log, log] });
    this.exited = once(this.process, "exit");
    await until(() => this.status(), `sidecar ${this.name} to answer; its log:\n${this.readLog()}`);
    return this;
  }

  async status() {
    try {
      const response = await fetch(`http://127.0.0.1:${this.adminPort}/status`, { signal: AbortSignal.timeout(1000) });
      return await response.json();
    } catch {
      return undefined;
    }
  }

  async kill(signal = "SIGKILL") {
    if (this.process === undefined || this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    await this.exited;
  }

  signal(signal) {
    this.process.kill(signal);
  }

  async restart() {
    await this.kill();
    await this.start();
  }

  readLog() {
    return existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
  }
}

/** `count` sidecars that know each other's addresses. */
export class Sidecars {
  static async start(count, options = {}) {
    const mesh = new Sidecars();
    mesh.directory = mkdtempSync(join(tmpdir(), "socketmesh-"));
    const ports = [];
    for (let i = 0; i < count; i++) ports.push({ linkPort: await freePort(), adminPort: await freePort() });
    const peers = ports.map(({ linkPort }) => linkPort);
    const listen = options.tcp ? async () => `tcp://127.0.0.1:${await freePort()}` : async () => undefined;
    mesh.all = [];
    for (let i = 0; i < count; i++) {
      mesh.all.push(
        new Sidecar({ name: `s${i}`, directory: mesh.directory, peers, ...ports[i], mesh: options.mesh, listen: await listen() }),
      );
    }
    await Promise.all(mesh.all.map((sidecar) => sidecar.start()));
    if (count > 1) await mesh.linked();
    return mesh;
  }

  async linked() {
    await until(async () => {
      const all = await Promise.all(this.all.map((sidecar) => sidecar.status()));
      return all.every((status) => status?.links.filter((link) => link.state === "linked").length === this.all.length - 1);
    }, "sidecars to link");
  }

  async stop() {
    await Promise.all(this.all.map((sidecar) => sidecar.kill()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

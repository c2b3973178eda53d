// Real sidecar processes with a configuration of their own in a temporary directory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../support/ports.mjs";
import { MountedSecret } from "./certificates.mjs";
import { until } from "./until.mjs";

const BINARY =
  process.env.SIDECAR_BINARY ?? fileURLToPath(new URL("../../../build/bin/socketmesh-sidecar", import.meta.url));

export class Sidecar {
  /**
   * @param certificates with them links are secured; `secret` is where the files are
   * @param recovery the section of that name, as YAML
   * @param dropin keys of the section of that name
   */
  constructor({ name, directory, linkPort, adminPort, peers, mesh = "test", listen, certificates, recovery, dropin }) {
    this.name = name;
    this.linkPort = linkPort;
    this.log = join(directory, `${name}.log`);
    this.config = join(directory, `${name}.yaml`);
    this.path = join(directory, `${name}.sock`);
    this.address = listen ?? `unix:${this.path}`;
    this.adminPort = adminPort;
    this.dropin = dropin;
    const addresses = peers.map((port) => `"127.0.0.1:${port}"`).join(", ");
    writeFileSync(
      this.config,
      [
        `mesh: {name: ${mesh}}`,
        `app: {listen: "${this.address.replace("tcp://", "")}"}`,
        `link: {listen: "127.0.0.1:${linkPort}"}`,
        `admin: {listen: "127.0.0.1:${adminPort}"}`,
        `discovery: {static: [${addresses}]}`,
        ...(recovery ? [`recovery: ${recovery}`] : []),
        ...(dropin ? [`dropin: {${Object.entries(dropin).map(([key, value]) => `${key}: "${value}"`).join(", ")}}`] : []),
        ...(certificates ? [this.#mount(join(directory, `${name}-tls`), certificates)] : []),
        "",
      ].join("\n"),
    );
  }

  #mount(folder, certificates) {
    this.secret = new MountedSecret(folder);
    this.secret.publish(certificates);
    return `tls: {ca: ${folder}/ca.crt, cert: ${folder}/tls.crt, key: ${folder}/tls.key}`;
  }

  async start() {
    const log = openSync(this.log, "a");
    const child = spawn(BINARY, ["--config", this.config], { stdio: ["ignore", log, log] });
    closeSync(log);
    await once(child, "spawn"); // rejects without the binary
    this.process = child;
    this.exited = once(child, "exit");
    const answers = () => {
      if (this.process.exitCode !== null) throw new Error(`sidecar ${this.name} ended; its log:\n${this.readLog()}`);
      return this.status();
    };
    await until(answers, () => `sidecar ${this.name} to answer; its log:\n${this.readLog()}`);
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

  /** Its status, however long a busy machine takes over it. */
  currentStatus() {
    return until(() => this.status(), `the status of sidecar ${this.name}`);
  }

  /** The value of one series of its metrics, by name and labels as they are written. */
  async metric(series) {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}/metrics`, { signal: AbortSignal.timeout(10_000) });
    const line = (await response.text()).split("\n").find((text) => text.startsWith(`${series} `));
    return line && Number(line.slice(series.length));
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

/**
 * `count` sidecars that know each other's addresses; `options.certificates(i)` are those of the i-th. With
 * `options.dropin` (keys of that section) each serves drop-in apps, on ports of its own.
 */
export class Sidecars {
  static async start(count, options = {}) {
    const mesh = new Sidecars();
    mesh.directory = mkdtempSync(join(tmpdir(), "socketmesh-"));
    mesh.all = [];
    try {
      await mesh.#start(count, options);
    } catch (error) {
      await mesh.stop();
      throw error;
    }
    return mesh;
  }

  async #start(count, options) {
    const ports = [];
    for (let i = 0; i < count; i++) ports.push({ linkPort: await freePort(), adminPort: await freePort() });
    const peers = ports.map(({ linkPort }) => linkPort);
    const dropin = async (i) => ({
      state: join(this.directory, `s${i}.state`),
      discovery: `127.0.0.1:${await freePort()}`,
      tunnel: `127.0.0.1:${await freePort()}`,
      ...options.dropin,
    });
    const listen = options.tcp ? async () => `tcp://127.0.0.1:${await freePort()}` : async () => undefined;
    for (let i = 0; i < count; i++) {
      this.all.push(
        new Sidecar({
          name: `s${i}`,
          directory: this.directory,
          peers,
          ...ports[i],
          mesh: options.mesh,
          recovery: options.recovery,
          listen: await listen(),
          certificates: options.certificates?.(i),
          dropin: options.dropin && (await dropin(i)),
        }),
      );
    }
    const started = await Promise.allSettled(this.all.map((sidecar) => sidecar.start()));
    for (const { reason } of started.filter(({ status }) => status === "rejected")) throw reason;
    if (count > 1) await this.linked();
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

// Owns every process and folder that the suite makes, and ends each by its own id, forks included: on `endAll`, and,
// whatever happens (an exception, process.exit, Ctrl-C, SIGTERM, SIGHUP), when this process exits.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { signalAll, tree } from "./process_tree.mjs";

const kGraceMs = 2000;
const kKeptOutputBytes = 4096;

export class Household {
  #children = new Set();
  #folders = new Set();
  #name;

  /** `name`: of the suite, for its folders. */
  constructor(name = "bench") {
    this.#name = name;
    process.once("exit", () => this.#clearNow());
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.once(signal, () => process.exit(128 + constants.signals[signal]));
    }
  }

  /**
   * Starts a program. `options` as for child_process.spawn; standard output and error are kept, the
   * last 4 KiB of them as `child.lastOutput()`, for messages. Rejects when it can't be started.
   */
  async start(command, args, options = {}) {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => (output = (output + data).slice(-kKeptOutputBytes)));
    }
    child.lastOutput = () => output.trim();
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** SIGTERM, and SIGKILL when it is still there two seconds later. Resolves when it has ended. */
  async end(child) {
    if (!this.#children.has(child)) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), kGraceMs);
    await ended;
    clearTimeout(timer);
  }

  /** A new folder under the system's temporary one, removed with `remove` or at the end. */
  folder() {
    const path = mkdtempSync(join(tmpdir(), `socketmesh-${this.#name}-`));
    this.#folders.add(path);
    return path;
  }

  remove(path) {
    rmSync(path, { recursive: true, force: true });
    this.#folders.delete(path);
  }

  async endAll() {
    await Promise.all([...this.#children].map((child) => this.end(child)));
    for (const path of [...this.#folders]) this.remove(path);
  }

  #clearNow() {
    // With what they forked: nginx's workers outlive a master that is killed.
    for (const child of this.#children) signalAll(tree(child.pid), "SIGKILL");
    for (const path of this.#folders) rmSync(path, { recursive: true, force: true });
  }
}

// The suite's programs in C++ (bench/native), spoken to by lines: theirs on standard output, ours on
// their standard input. An answer is one line; JSON where it has figures.
import { existsSync } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const kFolder = fileURLToPath(new URL("../../build/bin/", import.meta.url));

/** Why a program can't run here, or undefined. */
export function nativeMissing(name) {
  return existsSync(kFolder + name) ? undefined : `no ${kFolder}${name} here: run 'make bench'`;
}

export class NativeProgram {
  #child;
  #lines;
  #household;

  static async start(household, name, args) {
    const child = await household.start(kFolder + name, args.map(String), {
      stdio: ["pipe", "pipe", "pipe"],
    });
    return new NativeProgram(household, child);
  }

  constructor(household, child) {
    this.#household = household;
    this.#child = child;
    child.stdin.on("error", () => {}); // it ended: the next line that we wait for says so
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  say(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line that it writes; rejects when it ends instead. */
  async line() {
    const { value, done } = await this.#lines.next();
    if (!done) return value;
    if (this.#child.exitCode === null) await once(this.#child, "exit");
    throw new Error(this.#child.lastOutput() || `a program ended (${this.#child.exitCode})`);
  }

  /** Says `line` and resolves to the answer, parsed. */
  async ask(line) {
    this.say(line);
    return JSON.parse(await this.line());
  }

  end() {
    return this.#household.end(this.#child);
  }
}

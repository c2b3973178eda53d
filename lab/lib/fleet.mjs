// The lab's end of child/fleet.mjs.

import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("../child/fleet.mjs", import.meta.url));
const ANSWER_MS = 120_000;

export class Fleet {
  #household;
  #child;
  #waiting = new Map();
  #next = 0;

  static async start(household, run) {
    const fleet = new Fleet();
    fleet.#household = household;
    const stdio = ["ignore", "pipe", "pipe", "ipc"];
    fleet.#child = await household.start(process.execPath, [CHILD], { stdio });
    fleet.#child.on("message", (answer) => fleet.#settle(answer));
    fleet.#child.once("exit", () => {
      const error = `the clients' process ended: ${fleet.#child.lastOutput()}`;
      for (const id of [...fleet.#waiting.keys()]) fleet.#settle({ id, error });
    });
    await fleet.call("new", { run });
    return fleet;
  }

  /** Calls a method of child/crowd.mjs. */
  call(call, args = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle({ id, error: `the clients do not answer to "${call}"` }),
        ANSWER_MS,
      );
      this.#waiting.set(id, { resolve, reject, timer });
      this.#child.send({ id, call, args }, (error) => error && this.#settle({ id, error: error.message }));
    });
  }

  async end() {
    await this.#household.end(this.#child);
  }

  #settle({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new Error(error));
  }
}

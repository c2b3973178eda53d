// The parent's end of child.mjs.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export class ChildServer {
  /** @param script what runs there, in this folder */
  static async start(address, script = "child.mjs") {
    const child = new ChildServer();
    child.process = fork(fileURLToPath(new URL(script, import.meta.url)), [address]);
    child.exited = once(child.process, "exit");
    child.waiting = new Map();
    child.next = 1;
    const [ready] = await once(child.process, "message");
    child.port = ready.port;
    child.process.on("message", ({ id, value, error }) => {
      const waiting = child.waiting.get(id);
      if (waiting === undefined) return;
      child.waiting.delete(id);
      if (error === undefined) waiting.resolve(value);
      else waiting.reject(new Error(error));
    });
    return child;
  }

  call(action, ...args) {
    const id = this.next++;
    this.process.send({ id, action, args });
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  async kill() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await this.exited;
  }
}

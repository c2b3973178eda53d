// A worker of a Node cluster as if it were the suite's own child: its primary (child/primary.mjs)
// carries messages both ways.
import { EventEmitter, once } from "node:events";

let named = 0;

/** Events as a ChildProcess has them: "message" (message), "exit" (code). */
export class RelayedChild extends EventEmitter {
  #primary;
  #name = ++named;
  #ended = false;

  /** Resolves when the worker runs. */
  static async fork(primary, execArgv) {
    const child = new RelayedChild(primary);
    primary.send({ fork: child.#name, execArgv });
    await once(child, "online");
    return child;
  }

  constructor(primary) {
    super();
    this.#primary = primary;
    primary.on("message", ({ worker, message, exit, pid }) => {
      if (worker !== this.#name) return;
      if (pid !== undefined) {
        this.pid = pid;
        this.emit("online");
      } else if (exit !== undefined) {
        this.#exited(exit);
      } else {
        this.emit("message", message);
      }
    });
    primary.once("exit", () => this.#exited("its primary ended"));
  }

  send(message, done) {
    this.#primary.send({ worker: this.#name, message }, done);
  }

  lastOutput() {
    return this.#primary.lastOutput();
  }

  /** Resolves when it has ended. */
  async end() {
    if (this.#ended) return;
    const ended = once(this, "exit");
    this.#primary.send({ worker: this.#name, end: true });
    await ended;
  }

  #exited(code) {
    if (this.#ended) return;
    this.#ended = true;
    this.emit("exit", code);
  }
}

// The suite's end of one Socket.IO server process (child/server.mjs): calls over Node's IPC channel.
import { fileURLToPath } from "node:url";
import { setTimeout as after } from "node:timers/promises";

const kProgram = fileURLToPath(new URL("../child/server.mjs", import.meta.url));
const kCallMs = 30_000;

export class ServerProcess {
  #child;
  #end;
  #pending = new Map();
  #lastCall = 0;

  /**
   * `backend.startServer`, where there is one, starts the process; `profileFolder`: where each process
   * leaves a .cpuprofile when it ends; absent = none. `program`: what it runs, a Socket.IO server by
   * default.
   */
  static async start(household, { profileFolder, backend, program = kProgram } = {}) {
    const flags = profileFolder ? ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`] : [];
    if (backend?.startServer) {
      const relayed = await backend.startServer(flags);
      return new ServerProcess(relayed, () => relayed.end());
    }
    const child = await household.start(process.execPath, [...flags, program], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    return new ServerProcess(child, () => household.end(child));
  }

  constructor(child, end) {
    this.#child = child;
    this.#end = end;
    child.on("message", ({ id, value, error }) => {
      if (!this.#pending.has(id)) return;
      const { resolve, reject } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
    child.once("exit", (code, signal) => {
      const error = new Error(`a server process ended (${signal ?? code}): ${child.lastOutput()}`);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /**
   * Calls `method` of the child with `parameters`. Rejects with the child's own error, when it ends,
   * and when it has not answered 30 s after `parameters.seconds` and `parameters.timeoutMs`.
   */
  call(method, parameters = {}) {
    const id = ++this.#lastCall;
    const limitMs =
      kCallMs + (parameters.seconds ?? 0) * 1000 + (parameters.timeoutMs ?? 0);
    const answer = new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, method, parameters }, (error) => {
        if (error && this.#pending.delete(id)) {
          reject(new Error(`a server process is gone: ${this.#child.lastOutput()}`));
        }
      });
    });
    const cancelled = new AbortController();
    const late = after(limitMs, undefined, { signal: cancelled.signal }).then(
      () => Promise.reject(new Error(`a server process did not answer '${method}'`)),
      () => answer,
    );
    return Promise.race([answer, late]).finally(() => cancelled.abort());
  }

  end() {
    return this.#end();
  }
}

// Keeps processes running, as a kubelet keeps containers: each has one place in a table, and one
// that ends is started again after a delay. A place never holds two live processes: the next one
// starts only when the exit of the one before has been seen.
//
// The world (spawning, timers) is a parameter, for tests. Everything runs on one event loop.

const RESTART_DELAY_MS = 1000;
/** From SIGTERM to SIGKILL. */
const STOP_GRACE_MS = 3000;
/** Characters of one line of a child's output that are passed on. */
const LINE_CHARS_MAX = 2000;

/**
 * @param spawn (place) → ChildProcess
 * @param onStart (name, pid), onExit (name, text saying how, pid), onLine (name, line)
 */
export class Supervisor {
  #spawn;
  #events;
  #timers;
  /** name → {name, command…, child, timer} */
  #places = new Map();
  #stopping;

  constructor({ spawn, onStart, onExit, onLine, timers = globalThis }) {
    this.#spawn = spawn;
    this.#events = { onStart, onExit, onLine };
    this.#timers = timers;
  }

  /** Starts a process and keeps it running until stop(). */
  keep(name, place) {
    if (this.#places.has(name)) throw new Error(`${name} is kept already`);
    const entry = { name, place, child: undefined, timer: undefined };
    this.#places.set(name, entry);
    this.#start(entry);
  }

  /** The process id of each process that is alive. */
  pids() {
    const live = [...this.#places.values()].filter(({ child }) => child?.pid !== undefined);
    return new Map(live.map(({ name, child }) => [name, child.pid]));
  }

  /** Ends everything, by force after a grace; resolves when nothing is left. Idempotent. */
  stop() {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** At once and without waiting: for the last moment of the parent, and for the impatient. */
  kill() {
    this.#stopping ??= Promise.resolve();
    for (const entry of this.#places.values()) {
      this.#timers.clearTimeout(entry.timer);
      entry.child?.kill("SIGKILL");
    }
  }

  #start(entry) {
    entry.timer = undefined;
    const child = this.#spawn(entry.place);
    entry.child = child;
    let over = false;
    const end = (how) => {
      if (over) return;
      over = true;
      entry.child = undefined;
      entry.ended?.();
      this.#events.onExit(entry.name, how, child.pid);
      if (this.#stopping) return;
      entry.timer = this.#timers.setTimeout(() => this.#start(entry), RESTART_DELAY_MS);
    };
    child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    // A process that could not be started has no pid and no exit event.
    child.on("error", (error) => child.pid === undefined && end(error.message));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) eachLine(stream, (line) => this.#events.onLine(entry.name, line));
    }
    if (child.pid !== undefined) this.#events.onStart(entry.name, child.pid);
  }

  async #stopAll() {
    const waits = [];
    for (const entry of this.#places.values()) {
      this.#timers.clearTimeout(entry.timer);
      const { child } = entry;
      if (!child) continue;
      waits.push(new Promise((resolve) => (entry.ended = resolve)));
      child.kill("SIGTERM");
    }
    const force = this.#timers.setTimeout(() => this.kill(), STOP_GRACE_MS);
    await Promise.all(waits);
    this.#timers.clearTimeout(force);
  }
}

/** Calls back with each line; a longer one than the limit is cut, the rest of it dropped. */
export function eachLine(stream, onLine) {
  let line = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const parts = text.split("\n");
    for (const [i, part] of parts.entries()) {
      if (i > 0) {
        if (line) onLine(line);
        line = "";
      }
      line += part.slice(0, LINE_CHARS_MAX - line.length);
    }
  });
  stream.on("end", () => line && onLine(line));
  stream.on("error", () => {});
}

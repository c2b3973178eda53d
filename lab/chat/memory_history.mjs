// What was said of late, in the servers' memory: each keeps what it was told itself, and asks the others
// when somebody new wants to read. It is there as long as the server is: no store, no promise.

const KEPT_MAX = 500;
const ASK = "history";

export class MemoryHistory {
  durable = false;
  #io;
  #kept = [];
  #asked = 0;

  constructor(io) {
    this.#io = io;
    io.on(ASK, (answer) => answer(this.#kept));
  }

  add({ key, username, message }) {
    this.#kept.push({ at: Date.now(), key, username, message });
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
  }

  /** The latest messages of all servers, oldest first. */
  async since() {
    this.#asked += 1;
    // Who does not answer in time leaves its part out: the others' is still worth reading.
    const others = await this.#io.serverSideEmitWithAck(ASK).catch((error) => error.responses ?? []);
    const messages = [this.#kept, ...others].flat().sort((a, b) => a.at - b.at).slice(-KEPT_MAX);
    return { messages };
  }

  figures() {
    return { kept: this.#kept.length, asked: this.#asked };
  }
}

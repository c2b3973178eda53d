// A wire between clients and the balancer that can be cut, as a network is: the client knows at once that
// its network is gone and cannot reach anybody; the server is told nothing, and holds a dead connection.

import { connect, createServer } from "node:net";

export class Cutter {
  #server;
  #pairs = new Set();
  #isCut = false;

  /** @returns the address to connect to instead of `host` and `port` */
  async listen(host, port) {
    this.#server = createServer((near) => this.#join(near, host, port));
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    const { address, port: own } = this.#server.address();
    return `${address}:${own}`;
  }

  cut() {
    this.#isCut = true;
    for (const { near, far } of this.#pairs) {
      far.removeAllListeners("data");
      far.pause();
      near.destroy();
    }
  }

  mend() {
    this.#isCut = false;
  }

  close() {
    this.#server?.close();
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  #join(near, host, port) {
    if (this.#isCut) return near.destroy();
    const far = connect(port, host);
    const pair = { near, far };
    this.#pairs.add(pair);
    const dead = () => near.destroyed;
    near.on("data", (bytes) => !this.#isCut && far.write(bytes));
    far.on("data", (bytes) => dead() || near.write(bytes));
    near.on("error", () => {});
    far.on("error", () => {});
    // An end that comes of a cut is not passed on.
    near.on("close", () => this.#isCut || far.destroy());
    far.on("close", () => {
      near.destroy();
      this.#pairs.delete(pair);
    });
    return undefined;
  }
}

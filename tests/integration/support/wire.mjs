// The network between one client and its server: a TCP relay that can be cut so that only the client
// notices, as when a phone leaves the house. The server goes on writing into the void.
import { once } from "node:events";
import * as net from "node:net";

export class Wire {
  static async start(port) {
    const wire = new Wire();
    wire.port = port;
    wire.pairs = new Set();
    wire.refused = false;
    wire.relay = net.createServer((near) => wire.#accept(near)).listen(0, "127.0.0.1");
    await once(wire.relay, "listening");
    wire.url = `http://127.0.0.1:${wire.relay.address().port}`;
    return wire;
  }

  /** Nothing passes any more on what is open; new connections go to `port`. */
  cut(port = this.port) {
    this.port = port;
    for (const pair of this.pairs) {
      pair.void = true;
      pair.near.destroy();
    }
  }

  /** The next connection is cut when the client was sent `bytes` of what the server has for it. */
  cutAfter(bytes) {
    this.limit = bytes;
  }

  /** No connection is accepted, or again. */
  refuse(refused = true) {
    this.refused = refused;
  }

  async stop() {
    for (const pair of this.pairs) {
      pair.near.destroy();
      pair.far.destroy();
    }
    await new Promise((done) => this.relay.close(done));
  }

  #accept(near) {
    near.on("error", () => undefined);
    if (this.refused) {
      near.destroy();
      return;
    }
    const pair = { near, far: net.connect(this.port, "127.0.0.1"), void: false, left: this.limit ?? Infinity };
    this.limit = undefined;
    this.pairs.add(pair);
    pair.far.on("error", () => near.destroy());
    near.on("data", (bytes) => pair.far.write(bytes));
    pair.far.on("data", (bytes) => {
      if (pair.void) return;
      near.write(bytes.subarray(0, pair.left));
      pair.left -= bytes.length;
      if (pair.left <= 0) {
        pair.void = true;
        near.end();
      }
    });
    pair.far.on("close", () => near.destroy());
    near.on("close", () => {
      if (!pair.void) pair.far.destroy();
    });
    pair.far.on("close", () => this.pairs.delete(pair));
  }
}

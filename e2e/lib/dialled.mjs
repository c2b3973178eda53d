// What tells when an address that appeared in an EndpointSlice was dialled: a listener on the node
// in place of a peer, a slice that names it, and a watch of our own for the time of the event.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { until, want } from "./wait.mjs";

/** An address of this machine that pods reach: not loopback, and in none of their own networks. */
function nodeAddress() {
  const found = Object.values(networkInterfaces()).flat().find(({ family, internal }) => family === "IPv4" && !internal);
  if (!found) throw new Error("this machine has no IPv4 address but loopback");
  return found.address;
}

/** Accepts and keeps connections; `accepted`: remote address -> when first, in ms. */
export class AcceptingPeer {
  accepted = new Map();
  #sockets = new Set();

  static async listen() {
    const peer = new AcceptingPeer();
    peer.address = nodeAddress();
    peer.server = createServer((socket) => {
      const remote = socket.remoteAddress;
      if (!peer.accepted.has(remote)) peer.accepted.set(remote, performance.now());
      peer.#sockets.add(socket);
      socket.on("error", () => {});
    });
    await new Promise((resolve, reject) => {
      peer.server.once("error", reject);
      peer.server.listen(0, peer.address, resolve);
    });
    peer.port = peer.server.address().port;
    return peer;
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** An EndpointSlice of `service` with the peer's address. */
export function sliceOf(name, service, { address, port }) {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ name: "link", port, protocol: "TCP" }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}

/** When this process heard of each EndpointSlice of a namespace first, in ms. */
export class SliceWatch {
  #seen = new Map();
  #child;

  constructor(ns) {
    this.#child = spawn("kubectl", ["--namespace", ns.name, "get", "endpointslices", "--watch", "-o", "name"],
      { stdio: ["ignore", "pipe", "inherit"] });
    createInterface(this.#child.stdout).on("line", (line) => {
      const name = line.replace(/^.*\//, "");
      if (!this.#seen.has(name)) this.#seen.set(name, performance.now());
    });
  }

  /** The watch has listed what there is. */
  started() {
    return until("a watch of slices", () => want(this.#seen.size > 0, "it has printed nothing"));
  }

  of(name) {
    return until(`the event of ${name}`, () => {
      want(this.#seen.has(name), "not seen");
      return this.#seen.get(name);
    });
  }

  async stop() {
    this.#child.kill();
  }
}

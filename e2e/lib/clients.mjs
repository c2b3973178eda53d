// Socket.IO clients in the cluster's network: a process of e2e/app/clients.mjs, here where the
// pods' addresses can be reached, in a pod of theirs where they can't.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const AGENT = fileURLToPath(new URL("../app/clients.mjs", import.meta.url));
export const APP_PORT = 3000;
const ADMIN_PORT = 7401;
const ANSWER_TIMEOUT_MS = 30_000;
/** Traffic counts as ended when nothing was received for so long. */
const QUIET_MS = 1500;
/** A message is owed to connections that lived so long before and after it. */
const MARGIN_MS = 1000;

export class Clients {
  #agent;
  #asked = new Map();
  #next = 1;
  #last = "";

  /** inPod: {namespace, pod} for an agent by `kubectl exec`; absent: here. */
  constructor(inPod) {
    const [program, ...args] = inPod
      ? ["kubectl", "exec", "-i", "-n", inPod.namespace, inPod.pod, "--", "/bin/node", "/app/clients.mjs"]
      : [process.execPath, AGENT];
    this.#agent = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    createInterface({ input: this.#agent.stdout }).on("line", (line) => this.#answered(JSON.parse(line)));
    this.#agent.stderr.setEncoding("utf8").on("data", (text) => (this.#last = text.trim() || this.#last));
    this.#agent.stdin.on("error", () => {}); // the close event tells it better
    this.#agent.on("close", () => {
      for (const { reject } of this.#asked.values()) {
        reject(new Error(`the clients' process ended: ${this.#last}`));
      }
      this.#asked.clear();
    });
  }

  #answered({ id, value, error }) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    clearTimeout(asked?.late);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  #ask(op, options, timeoutMs = ANSWER_TIMEOUT_MS) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#asked.delete(id);
        reject(new Error(`the clients' process did not answer '${op}'`));
      }, timeoutMs);
      this.#asked.set(id, { resolve, reject, late });
      this.#agent.stdin.write(`${JSON.stringify({ id, op, ...options })}\n`);
    });
  }

  /** To a pod, or to a URL. Returns {pod}: the one that it reached. */
  connect(name, to, options = {}) {
    const url = typeof to === "string" ? to : `http://${to.status.podIP}:${APP_PORT}`;
    return this.#ask("connect", { name, url, ...options });
  }

  emit(name, event, ...args) {
    return this.#ask("emit", { name, event, args });
  }

  ask(name, event, ...args) {
    return this.#ask("ask", { name, event, args });
  }

  received(name) {
    return this.#ask("received", { name });
  }

  /** Its connection is lost, and it stays away until it is called back; then it is connected. */
  cut(name) {
    return this.#ask("cut", { name });
  }

  back(name) {
    return this.#ask("back", { name });
  }

  close(name) {
    return this.#ask("close", { name });
  }

  async get(url) {
    const { status, body } = await this.#ask("get", { url });
    if (status !== 200) throw new Error(`${url}: ${status}: ${body.slice(0, 200)}`);
    return body;
  }

  /** What a pod's app, and its sidecar, say of themselves. */
  async appState(pod) {
    return JSON.parse(await this.get(`http://${pod.status.podIP}:${APP_PORT}/state`));
  }

  async sidecarStatus(pod) {
    return JSON.parse(await this.get(`http://${pod.status.podIP}:${ADMIN_PORT}/status`));
  }

  sidecarMetrics(pod) {
    return this.get(`http://${pod.status.podIP}:${ADMIN_PORT}/metrics`);
  }

  startTraffic(names, everyMs = 20) {
    return this.#ask("traffic", { names, everyMs });
  }

  /** Ends the traffic: {said, owed, lost, duplicated, misordered, examples}. */
  settleTraffic({ quietMs = QUIET_MS, marginMs = MARGIN_MS } = {}) {
    return this.#ask("settle", { quietMs, marginMs }, 2 * ANSWER_TIMEOUT_MS);
  }

  /** Each says something to the room every so often, on whatever connection it has. */
  startTalk(names, room, everyMs = 40) {
    return this.#ask("talk", { names, room, everyMs });
  }

  /** Ends the talk: {said, owed, lost, duplicated, misordered, examples, returns}. */
  settleTalk(quietMs = QUIET_MS) {
    return this.#ask("recount", { quietMs }, 2 * ANSWER_TIMEOUT_MS);
  }

  end() {
    this.#agent.stdin.end();
    this.#agent.kill();
  }
}

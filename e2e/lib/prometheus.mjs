// A real Prometheus, run beside the suite, that scrapes sidecars and operators.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MESH_LABEL } from "./kube.mjs";
import { until } from "./wait.mjs";

const PORT = 19_090;
export const SCRAPE_MS = 1000;

/** Debian's Prometheus has no Kubernetes in it, so the pods of now are named one by one. */
const targets = (job, port, pods) => `
- job_name: ${job}
  static_configs:${pods.map((pod) => `
  - targets: ["${pod.status.podIP}:${port}"]
    labels: ${JSON.stringify(labelsOf(pod, job))}`).join("")}`;

/** What a PodMonitor would have it put on every series. */
function labelsOf({ metadata }, container) {
  const mesh = metadata.labels?.[MESH_LABEL];
  return { namespace: metadata.namespace, pod: metadata.name, container, ...(mesh ? { mesh } : {}) };
}

export class Prometheus {
  #child;
  #folder;
  #log = "";

  /** Scrapes the sidecars of these pods, and these operators; evaluates the rules of a file. */
  async start(pods, operators, rulesFile) {
    this.#folder = await mkdtemp(join(tmpdir(), "socketmesh-prometheus-"));
    const config = `
global: {scrape_interval: ${SCRAPE_MS}ms, evaluation_interval: 1s}
rule_files: [${rulesFile}]
scrape_configs:${targets("socketmesh", 7401, pods)}${targets("operator", 8080, operators)}
`;
    const file = join(this.#folder, "prometheus.yml");
    await writeFile(file, config);
    this.#child = spawn("prometheus", [`--config.file=${file}`, `--storage.tsdb.path=${this.#folder}/data`,
      `--web.listen-address=127.0.0.1:${PORT}`, "--log.level=warn"]);
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#log += text));
    await until("Prometheus", () => this.#get("/-/ready"), { timeoutMs: 20_000 })
      .catch((error) => { throw new Error(`${error.message}: ${this.#log}`); });
  }

  async stop() {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill();
    await ended;
    await rm(this.#folder, { recursive: true });
  }

  async #get(path) {
    const response = await fetch(`http://127.0.0.1:${PORT}${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status}: ${text.slice(0, 300)}`);
    return text;
  }

  /** The result of a query at this moment: [{metric, value}]. */
  async query(expression) {
    const { data } = JSON.parse(await this.#get(`/api/v1/query?query=${encodeURIComponent(expression)}`));
    return data.result;
  }

  async targets() {
    return JSON.parse(await this.#get("/api/v1/targets?state=active")).data.activeTargets;
  }

  async rules() {
    return JSON.parse(await this.#get("/api/v1/rules")).data.groups.flatMap(({ rules }) => rules);
  }
}

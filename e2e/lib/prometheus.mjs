// A real Prometheus, run beside the suite, that finds the pods of a namespace and of the operator
// as the PodMonitors of the chart and of a mesh would have it find them.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OPERATOR_NAMESPACE } from "./operator.mjs";
import { until } from "./wait.mjs";

const PORT = 19_090;
export const SCRAPE_MS = 1000;

/** Pods of one namespace with a container port of this name; the labels that a PodMonitor gives. */
function scrape(job, namespace, port, labels = []) {
  return `
- job_name: ${job}
  kubernetes_sd_configs:
  - role: pod
    kubeconfig_file: ${process.env.KUBECONFIG}
    namespaces: {names: [${namespace}]}
  relabel_configs:
  - {source_labels: [__meta_kubernetes_pod_container_port_name], regex: ${port}, action: keep}
  - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
  - {source_labels: [__meta_kubernetes_pod_container_name], target_label: container}${labels
    .map(([from, to]) => `\n  - {source_labels: [${from}], target_label: ${to}}`).join("")}`;
}

export class Prometheus {
  #child;
  #folder;
  #log = "";

  /** Scrapes the sidecars of a namespace and the operator; evaluates the rules of a file. */
  async start(namespace, rulesFile) {
    this.#folder = await mkdtemp(join(tmpdir(), "socketmesh-prometheus-"));
    const config = `
global: {scrape_interval: ${SCRAPE_MS}ms, evaluation_interval: 1s}
rule_files: [${rulesFile}]
scrape_configs:${scrape("sidecars", namespace, "sm-admin", [["__meta_kubernetes_pod_label_socketmesh_io_mesh", "mesh"]])}${scrape("operator", OPERATOR_NAMESPACE, "metrics")}
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

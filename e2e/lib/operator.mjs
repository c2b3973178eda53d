// The operator, installed by helm from this tree's chart, and what it logs.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { dumpNamespace } from "./dump.mjs";
import { Namespace } from "./kube.mjs";
import { run } from "./run.mjs";
import { settings } from "./settings.mjs";

export const OPERATOR_NAMESPACE = "socketmesh-system";
export const RELEASE = "socketmesh";
export const OPERATOR_SELECTOR = "app.kubernetes.io/name=socketmesh-operator";
const CHART = fileURLToPath(new URL("../../charts/socketmesh", import.meta.url));
const HELM = process.env.HELM ?? "helm";
const FOLLOW_EVERY_MS = 500;
/** The files of followed logs: pod, and how often its container had been restarted. */
const FOLLOWED = /\.\d+\.log$/;

function image(prefix, reference) {
  const [, repository, tag] = /^(.*?)(?::([^/:]+))?$/.exec(reference);
  return ["--set", `${prefix}.repository=${repository}`, "--set", `${prefix}.tag=${tag ?? "latest"}`,
    "--set", `${prefix}.pullPolicy=${settings.pullPolicy}`];
}

export class Operator {
  ns = new Namespace(OPERATOR_NAMESPACE);
  #followed = new Map(); // container id -> kubectl logs -f
  #following;

  /** helm upgrade --install, with more values: ["--set", "…"]. */
  helm(values = []) {
    return run(HELM, ["upgrade", "--install", RELEASE, CHART, "--namespace", OPERATOR_NAMESPACE,
      "--create-namespace", "--wait", "--timeout", "90s", "--reuse-values",
      ...image("image", settings.operatorImage), ...image("sidecar.image", settings.sidecarImage),
      ...values], { timeoutMs: 120_000 });
  }

  /** Installs the chart; an outcome like a case's. */
  async installed() {
    const started = Date.now();
    const outcome = { case: { name: "install the chart by helm" }, notes: [], result: "passed" };
    await mkdir(new URL("operator/", settings.output), { recursive: true });
    this.#following = setInterval(() => this.#follow().catch(() => {}), FOLLOW_EVERY_MS);
    try {
      await this.helm();
    } catch (error) {
      Object.assign(outcome, { result: "failed", error });
      await dumpNamespace(OPERATOR_NAMESPACE, new URL("operator/", settings.output));
    }
    outcome.seconds = (Date.now() - started) / 1000;
    return outcome;
  }

  async uninstall() {
    clearInterval(this.#following);
    for (const child of this.#followed.values()) child.kill();
    await run(HELM, ["uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE, "--wait", "--ignore-not-found"],
      { timeoutMs: 120_000 });
    await this.ns.remove();
  }

  pods() {
    return this.ns.pods(OPERATOR_SELECTOR);
  }

  /** Logs are followed from each container's first line, as those of pods that are gone are lost. */
  async #follow() {
    for (const pod of await this.ns.list("pods", OPERATOR_SELECTOR)) {
      const [status] = pod.status.containerStatuses ?? [];
      if (!status?.state.running || this.#followed.has(status.containerID)) continue;
      const file = `${pod.metadata.name}.${status.restartCount}.log`;
      const child = spawn("kubectl", ["logs", "-f", "-n", OPERATOR_NAMESPACE, pod.metadata.name]);
      child.stdout.pipe(createWriteStream(new URL(`operator/${file}`, settings.output)));
      this.#followed.set(status.containerID, child);
    }
  }

  /** An outcome like a case's: fails when the operator logged an error that no case expects. */
  async logCheck(cases) {
    const started = Date.now();
    const expected = cases.flatMap((one) => one.expectErrors ?? []);
    const folder = new URL("operator/", settings.output);
    const bad = [];
    let lines = 0;
    for (const file of (await readdir(folder)).filter((name) => FOLLOWED.test(name))) {
      const text = await readFile(new URL(file, folder), "utf8");
      for (const entry of text.split("\n").filter(Boolean)) {
        lines += 1;
        if (isError(entry) && !expected.some((pattern) => pattern.test(entry))) bad.push(`${file}: ${entry}`);
      }
    }
    const outcome = { case: { name: "no unexpected error in the operator's log" }, notes: [`${lines} lines`] };
    outcome.seconds = (Date.now() - started) / 1000;
    outcome.result = bad.length === 0 && lines > 0 ? "passed" : "failed";
    if (bad.length > 0) outcome.error = new Error(bad.slice(0, 10).join("\n        "));
    else if (lines === 0) outcome.error = new Error("it logged nothing at all");
    return outcome;
  }
}

/** Whatever is not a JSON line of a lower level: a crash prints something else. */
function isError(entry) {
  try {
    return !["debug", "info", "warn"].includes(JSON.parse(entry).level);
  } catch {
    return true;
  }
}

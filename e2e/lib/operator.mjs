// The operator, installed by helm from this tree's chart, and what it logs.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { dumpNamespace } from "./dump.mjs";
import { kubectl, Namespace } from "./kube.mjs";
import { run } from "./run.mjs";
import { settings } from "./settings.mjs";
import { until, want } from "./wait.mjs";

export const OPERATOR_NAMESPACE = "socketmesh-system";
export const RELEASE = "socketmesh";
export const OPERATOR_SELECTOR = "app.kubernetes.io/name=socketmesh-operator";
const CHART = fileURLToPath(new URL("../../charts/socketmesh", import.meta.url));
const HELM = process.env.HELM ?? "helm";
const FOLLOW_EVERY_MS = 500;
/** What a case did is felt for a little longer than it ran. */
const AFTERMATH_MS = 5_000;
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

  /** Removes the release; an outcome like a case's: only what is meant to stay may be left. */
  async uninstalled() {
    const started = Date.now();
    const outcome = { case: { name: "uninstall leaves nothing behind" }, notes: [], result: "passed" };
    clearInterval(this.#following);
    for (const child of this.#followed.values()) child.kill();
    try {
      await run(HELM, ["uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE, "--wait", "--ignore-not-found"],
        { timeoutMs: 120_000 });
      await until("everything of the release to be gone", async () => {
        const left = await this.#leftovers();
        want(left.length === 0, () => left.join(", "));
      }, { timeoutMs: 60_000, pauseMs: 500 });
    } catch (error) {
      Object.assign(outcome, { result: "failed", error });
    }
    await this.ns.remove();
    outcome.seconds = (Date.now() - started) / 1000;
    return outcome;
  }

  /** The Lease stays, as elections' leases do; the definition stays, so that no user's mesh goes. */
  async #leftovers() {
    const selector = "app.kubernetes.io/name in (socketmesh-operator,socketmesh)";
    const inside = await this.ns.kubectl(["get",
      "deployments,replicasets,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets",
      "-l", selector, "-o", "name"]);
    const outside = await kubectl(["get",
      "clusterroles,clusterrolebindings,mutatingwebhookconfigurations", "-l", `app.kubernetes.io/instance=${RELEASE}`, "-o", "name"]);
    return [inside, outside].flatMap((text) => text.split("\n").filter(Boolean));
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

  /** An outcome like a case's: fails when the operator logged an error that no case made it log. */
  async logCheck(outcomes) {
    const started = Date.now();
    const folder = new URL("operator/", settings.output);
    const bad = [];
    let lines = 0;
    for (const file of (await readdir(folder)).filter((name) => FOLLOWED.test(name))) {
      const text = await readFile(new URL(file, folder), "utf8");
      for (const entry of text.split("\n").filter(Boolean)) {
        lines += 1;
        if (isTrouble(entry) && !isExpected(entry, outcomes)) bad.push(`${file}: ${entry}`);
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

/** Warnings about what the cases' users did, which is theirs to mend. */
const ABOUT_USERS = ["pod without sidecar", "pod reviewed"];

/** Whatever is not a JSON line of a lower level, as a crash prints, and warnings of the operator's own. */
function isTrouble(entry) {
  try {
    const { level, msg } = JSON.parse(entry);
    return !["debug", "info"].includes(level) && !(level === "warn" && ABOUT_USERS.includes(msg));
  } catch {
    return true;
  }
}

/** A namespace that a case leaves behind goes with everything in it, in no order. */
const LEAVING = /because it is being terminated|namespaces \\"[^"]*\\" not found/;

/** Whether it matches what a case expects, and is of the time in which that ran. */
function isExpected(entry, outcomes) {
  if (LEAVING.test(entry)) return true;
  let at;
  try {
    at = Date.parse(JSON.parse(entry).ts);
  } catch {
    return false;
  }
  return outcomes.some(({ case: one, started, seconds }) =>
    one.expectErrors?.some((pattern) => pattern.test(entry)) &&
    at >= started && at <= started + seconds * 1000 + AFTERMATH_MS);
}

// kubectl, one namespace at a time. The cluster is that of the environment's kubeconfig.

import { run } from "./run.mjs";
import { Hopeless, until, want } from "./wait.mjs";

const KUBECTL = process.env.KUBECTL ?? "kubectl";
export const MESH_LABEL = "socketmesh.io/mesh";

export async function kubectl(args, options) {
  const { stdout } = await run(KUBECTL, args, options);
  return stdout;
}

export class Namespace {
  constructor(name) {
    this.name = name;
  }

  /** Labels may ask for a Pod Security level. */
  async create(labels = {}) {
    await kubectl(["create", "-f", "-"], {
      input: JSON.stringify({
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: this.name, labels: { "socketmesh.io/e2e": "true", ...labels } },
      }),
    });
    await until(`the ServiceAccount of ${this.name}`, () => this.get("serviceaccount", "default"));
  }

  remove() {
    return kubectl(["delete", "namespace", this.name, "--wait=false", "--ignore-not-found"]);
  }

  kubectl(args, options) {
    return kubectl(["--namespace", this.name, ...args], options);
  }

  /** Objects, or text, as users apply them. */
  apply(objects, ...flags) {
    const list = Array.isArray(objects) ? objects : [objects];
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: list });
    return this.kubectl(["apply", "-f", "-", ...flags], { input });
  }

  async get(kind, name) {
    return JSON.parse(await this.kubectl(["get", kind, name, "-o", "json"]));
  }

  async list(kind, selector) {
    const args = ["get", kind, "-o", "json", ...(selector ? ["-l", selector] : [])];
    return JSON.parse(await this.kubectl(args)).items;
  }

  async exists(kind, name) {
    const found = await this.kubectl(["get", kind, name, "-o", "name", "--ignore-not-found"]);
    return found.trim() !== "";
  }

  patch(kind, name, body, type = "merge") {
    return this.kubectl(["patch", kind, name, `--type=${type}`, "-p", JSON.stringify(body)]);
  }

  delete(kind, name, ...flags) {
    return this.kubectl(["delete", kind, name, ...flags]);
  }

  /** Pods that are not on their way out. */
  async pods(selector) {
    const pods = await this.list("pods", selector);
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  meshPods(mesh) {
    return this.pods(`${MESH_LABEL}=${mesh}`);
  }

  /** Waits until exactly so many pods are there and ready; returns them. */
  readyPods(selector, count, options) {
    return until(
      `${count} ready pods (${selector}) in ${this.name}`,
      async () => {
        const pods = await this.pods(selector);
        for (const pod of pods) failIfCrashing(pod);
        const bad = pods.filter((pod) => !isReady(pod));
        want(bad.length === 0, () => bad.map(whyNotReady).join("; "));
        want(pods.length === count, () => `there are ${pods.length}`);
        return pods;
      },
      { timeoutMs: 90_000, pauseMs: 250, ...options },
    );
  }

  async events(filter) {
    const events = await this.list("events");
    return filter ? events.filter(filter) : events;
  }

  async condition(kind, name, type) {
    const { status } = await this.get(kind, name);
    return status?.conditions?.find((condition) => condition.type === type);
  }

  /** Waits until a condition of the object has this status and, where given, this reason. */
  whenCondition(kind, name, type, status, { reason, ...options } = {}) {
    return until(
      `${kind}/${name} ${type}=${status}`,
      async () => {
        const condition = await this.condition(kind, name, type);
        want(condition !== undefined, "there is no such condition");
        want(condition.status === status && (reason ?? condition.reason) === condition.reason, () =>
          `it is ${condition.status}, ${condition.reason}: ${condition.message}`,
        );
        return condition;
      },
      { timeoutMs: 60_000, ...options },
    );
  }
}

export function isReady(pod) {
  return pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
}

export const containerStatuses = ({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];

/** No case kills a container so often. */
const RESTARTS_MAX = 2;

function failIfCrashing(pod) {
  const crashing = containerStatuses(pod).find(({ ready, restartCount }) => !ready && restartCount > RESTARTS_MAX);
  if (crashing === undefined) return;
  const { message, exitCode } = crashing.lastState.terminated ?? {};
  throw new Hopeless(`${pod.metadata.name}/${crashing.name} ends again and again (${exitCode}): ${message ?? ""}`);
}

export function whyNotReady(pod) {
  const states = containerStatuses(pod)
    .filter(({ ready }) => !ready)
    .map(({ name, state }) => {
      const what = state.waiting ?? state.terminated ?? {};
      return `${name} ${Object.keys(state)[0] ?? "unknown"} ${what.reason ?? ""} ${what.message ?? ""}`.trim();
    });
  return `${pod.metadata.name} ${pod.status.phase}: ${states.join(", ") || "no container yet"}`;
}

export function container(pod, name) {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find((one) => one.name === name);
}

export function restarts(pod, name) {
  return containerStatuses(pod).find((one) => one.name === name)?.restartCount ?? 0;
}

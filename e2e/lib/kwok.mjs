// A node without a machine: kwok says of its pods that they run. For many meshes on a small box.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubectl, Namespace } from "./kube.mjs";
import { until, want } from "./wait.mjs";

const ANNOTATION = "socketmesh.io/e2e-fake-node";

/** A pod of the node becomes ready, with an address that nothing answers at; a deleted one goes. */
const STAGES = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.phase', operator: NotIn, values: [Running]}
  next:
    statusTemplate: |
      phase: Running
      conditions:
      - {type: Ready, status: "True", reason: Fake, message: kwok, lastHeartbeatTime: {{ Quote Now }}, lastTransitionTime: {{ Quote Now }}}
      allocatable: {cpu: 1k, memory: 1Ti, pods: 1M}
      capacity: {cpu: 1k, memory: 1Ti, pods: 1M}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.podIP', operator: DoesNotExist}
  next:
    statusTemplate: |
      phase: Running
      podIP: {{ PodIPWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
      conditions:
      - {type: Initialized, status: "True"}
      - {type: ContainersReady, status: "True"}
      - {type: Ready, status: "True"}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-gone}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: Exists}
  next:
    finalizers: {empty: true}
    delete: true
`;

export class FakeNode {
  #child;
  #folder;

  constructor(name) {
    this.name = name;
  }

  /** What a pod's spec needs to land there. */
  get placement() {
    return {
      nodeSelector: { "kubernetes.io/hostname": this.name },
      tolerations: [{ key: ANNOTATION, operator: "Exists" }],
    };
  }

  async start() {
    this.#folder = await mkdtemp(join(tmpdir(), "socketmesh-kwok-"));
    const stages = join(this.#folder, "stages.yaml");
    await writeFile(stages, STAGES);
    const node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: this.name,
        labels: { "kubernetes.io/hostname": this.name },
        annotations: { [ANNOTATION]: "true" },
      },
      spec: { taints: [{ key: ANNOTATION, effect: "NoSchedule" }] },
    };
    await kubectl(["apply", "-f", "-"], { input: JSON.stringify(node) });
    this.#child = spawn("kwok", [`--kubeconfig=${process.env.KUBECONFIG}`, `--config=${stages}`,
      `--manage-nodes-with-annotation-selector=${ANNOTATION}=true`, "--cidr=10.89.0.1/16"], { stdio: "ignore" });
    await until("the fake node", async () => {
      const { status } = await new Namespace("default").get("node", this.name);
      want(status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"), "it is not ready");
    });
  }

  async stop() {
    this.#child?.kill();
    await kubectl(["delete", "node", this.name, "--ignore-not-found"]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

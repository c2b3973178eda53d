// Pods that are not the operator's, and join by a label.

import { allHearAll, clientOnEach, converged } from "../lib/chat.mjs";
import { labelledDeployment, MESH, SELECTOR, sidecarOf, startLabelledMesh } from "../lib/meshes.mjs";
import { podTemplate } from "../lib/objects.mjs";
import { stays, until, want } from "../lib/wait.mjs";

const serviceAccount = (name) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });

/** Events that say that a pod runs without its sidecar. */
export const bareEvents = (ns, pod) =>
  ns.events(({ involvedObject, reason }) => reason === "NoSidecar" && involvedObject.name === pod.metadata.name);

export const cases = [
  {
    name: "inject a plain Deployment by label",
    labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    async run(context) {
      const { ns, clients, note } = context;
      await startLabelledMesh(context);
      await ns.apply([serviceAccount("mine"),
        labelledDeployment("plain", { replicas: 3, serviceAccountName: "mine" })]);
      const pods = await ns.readyPods(SELECTOR, 3);
      for (const pod of pods) {
        want(pod.spec.initContainers?.[0]?.name === "socketmesh", "the sidecar is not the first init container");
        want(pod.spec.serviceAccountName === "mine", () => `it runs as ${pod.spec.serviceAccountName}`);
        const app = pod.spec.containers[0];
        const tls = app.volumeMounts.find(({ name }) => name === "socketmesh-tls");
        want(tls === undefined, "the app sees the mesh's key");
      }
      await converged(clients, pods);
      await allHearAll(clients, await clientOnEach(clients, pods));
      const { status } = await ns.whenCondition("smesh", MESH, "MeshConverged", "True")
        .then(() => ns.get("smesh", MESH));
      note(`members ${status.members}, replicas ${status.replicas}, ready ${status.readyReplicas}`);
      want(!(await ns.exists("deployment", MESH)), "labelled mode made a Deployment");
    },
  },
  {
    name: "a Job with a sidecar ends",
    async run(context) {
      const { ns } = context;
      await startLabelledMesh(context);
      const template = podTemplate({
        labels: { "socketmesh.io/mesh": MESH },
        restartPolicy: "Never",
        app: {
          args: ["-e", "console.log('done')"],
          readinessProbe: undefined,
        },
      });
      await ns.apply({
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "batch" },
        spec: { backoffLimit: 0, template },
      });
      await ns.kubectl(["wait", "job/batch", "--for=condition=Complete", "--timeout=60s"]);
      const [pod] = await ns.list("pods", "job-name=batch");
      want(sidecarOf(pod) !== undefined, "it had no sidecar");
    },
  },
  {
    name: "opt out by annotation",
    async run(context) {
      const { ns } = context;
      await startLabelledMesh(context);
      await ns.apply(labelledDeployment("aloof", { annotations: { "socketmesh.io/inject": "false" } }));
      const [pod] = await ns.readyPods(SELECTOR, 1);
      want(sidecarOf(pod) === undefined, "it has a sidecar");
      await stays("no report of it", async () => {
        const events = await bareEvents(ns, pod);
        want(events.length === 0, () => events[0].message);
      }, { forMs: 5000, pauseMs: 1000 });
    },
  },
  {
    name: "a bare pod is reported",
    async run(context) {
      const { ns, note } = context;
      // Labelled before there is such a mesh, so that nothing is injected.
      await ns.apply(labelledDeployment("early"));
      const [pod] = await ns.readyPods(SELECTOR, 1);
      want(sidecarOf(pod) === undefined, "it has a sidecar of a mesh that is not there");
      await startLabelledMesh(context);
      await until("an event about it", async () => {
        const [event] = await bareEvents(ns, pod);
        want(event !== undefined, "there is none");
        want(event.type === "Warning", () => `it is ${event.type}`);
        note(event.message);
      });
      // The next pod of the Deployment has one.
      await ns.kubectl(["rollout", "restart", "deployment/early"]);
      await ns.kubectl(["rollout", "status", "deployment/early", "--timeout=60s"]);
      const [next] = await ns.readyPods(SELECTOR, 1);
      want(sidecarOf(next) !== undefined, "its successor is bare, too");
    },
  },
];

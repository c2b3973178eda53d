// Whose object it is: the operator repairs its own, and leaves everything else alone.

import { readdir } from "node:fs/promises";
import { kubectl, MESH_LABEL } from "../lib/kube.mjs";
import { MESH, SELECTOR, startMesh } from "../lib/meshes.mjs";
import { socketMesh } from "../lib/objects.mjs";
import { run } from "../lib/run.mjs";
import { sleep, stays, until, want } from "../lib/wait.mjs";

/** Everything that a mesh may leave behind. */
const KINDS = "deployments,replicasets,pods,services,endpointslices,configmaps,secrets,rolebindings," +
  "poddisruptionbudgets,horizontalpodautoscalers,networkpolicies,ingresses";

async function refused(ns, mesh, pattern) {
  try {
    await ns.apply(mesh);
  } catch (error) {
    const said = error.stderr ?? error.message;
    want(pattern.test(said), () => `the message does not read like ${pattern}: ${said}`);
    return;
  }
  throw new Error(`it was accepted: ${JSON.stringify(mesh.spec)}`);
}

export const cases = [
  {
    name: "an edited owned object is repaired",
    async run(context) {
      const { ns } = context;
      await startMesh(context, 1);
      await ns.patch("deployment", MESH, { spec: { replicas: 0 } });
      await until("replicas: 1 again", async () => {
        const { spec } = await ns.get("deployment", MESH);
        want(spec.replicas === 1, () => `it is ${spec.replicas}`);
      });
      await ns.patch("service", MESH, { spec: { selector: { app: "elsewhere" } } });
      await until("the Service's selector", async () => {
        const { spec } = await ns.get("service", MESH);
        want(spec.selector[MESH_LABEL] === MESH, () => JSON.stringify(spec.selector));
      });
      await ns.delete("service", `${MESH}-mesh`);
      await until("the mesh Service", () => ns.get("service", `${MESH}-mesh`));
      await ns.delete("rolebinding", `${MESH}-mesh`);
      await until("the RoleBinding", () => ns.get("rolebinding", `${MESH}-mesh`));
      await ns.readyPods(SELECTOR, 1);
    },
  },
  {
    name: "another manager's field is left alone",
    async run(context) {
      const { ns } = context;
      await startMesh(context, 1);
      await ns.kubectl(["annotate", "deployment", MESH, "example.com/owner=platform"]);
      await ns.kubectl(["label", "service", MESH, "example.com/team=chat"]);
      // Something of the operator's own is changed, so that it certainly applies again.
      await ns.patch("smesh", MESH, { spec: { sidecar: { logLevel: "debug" } } });
      await until("the change", async () => {
        const text = JSON.stringify((await ns.get("deployment", MESH)).spec.template);
        want(text.includes('"value":"debug"'), "it has not come yet");
      });
      const { metadata } = await ns.get("deployment", MESH);
      want(metadata.annotations["example.com/owner"] === "platform", "the annotation is gone");
      const service = await ns.get("service", MESH);
      want(service.metadata.labels["example.com/team"] === "chat", "the label is gone");
    },
  },
  {
    name: "a foreign object of the same name",
    async run({ ns }) {
      const service = {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: MESH, labels: { mine: "true" } },
        spec: { selector: { app: "mine" }, ports: [{ port: 80 }] },
      };
      await ns.apply(service);
      const before = await ns.get("service", MESH);
      await ns.apply(socketMesh(MESH, { replicas: 1 }));
      const condition = await ns.whenCondition("smesh", MESH, "Ready", "False", { reason: "NameConflict" });
      want(condition.message.includes(MESH), () => `the message does not name it: ${condition.message}`);
      await sleep(3000);
      const after = await ns.get("service", MESH);
      want(after.metadata.resourceVersion === before.metadata.resourceVersion, "it was written to");
      await ns.delete("service", MESH);
      await ns.whenCondition("smesh", MESH, "Ready", "True", { timeoutMs: 90_000 });
    },
  },
  {
    name: "invalid resources are refused, with a reason",
    expectErrors: [/must be less than or equal to cpu limit/],
    async run({ ns }) {
      await refused(ns, socketMesh(MESH, { tls: { leafValidity: "1m" } }), /leafValidity/);
      await refused(ns, socketMesh(MESH, { tls: { leafValidity: "1h", rotateAfter: "50m" } }), /rotateAfter/);
      await refused(ns, socketMesh(MESH, { replicas: -1 }), /replicas/);
      await refused(ns, socketMesh("a-name-that-is-much-too-long-for-all-the-suffixes"), /40/);
      await refused(ns, socketMesh(MESH, { template: undefined, autoscaling: { minReplicas: 1, maxReplicas: 2 } }),
        /template/);
      await ns.apply(socketMesh(MESH, { template: undefined }));
      await refused(ns, socketMesh(MESH, {}), /template/);
      // What only the API server can tell of the Deployment becomes a condition.
      const broken = socketMesh("broken", { replicas: 1 });
      broken.spec.template.spec.containers[0].resources = { requests: { cpu: "2" }, limits: { cpu: "1" } };
      await ns.apply(broken);
      const condition = await ns.whenCondition("smesh", "broken", "Ready", "False");
      want(/cpu|limit/i.test(condition.message), () => `the message says nothing of it: ${condition.message}`);
    },
  },
  {
    name: "paused, and on again",
    async run(context) {
      const { ns } = context;
      await startMesh(context, 1);
      await ns.kubectl(["annotate", "smesh", MESH, "socketmesh.io/paused=true"]);
      await sleep(1000);
      await ns.patch("smesh", MESH, { spec: { replicas: 2 } });
      await stays("one replica", async () => {
        const { spec } = await ns.get("deployment", MESH);
        want(spec.replicas === 1, () => `it is ${spec.replicas}`);
      }, { forMs: 4000 });
      await ns.kubectl(["annotate", "smesh", MESH, "socketmesh.io/paused-"]);
      await ns.readyPods(SELECTOR, 2);
    },
  },
  {
    name: "delete the SocketMesh: everything is gone",
    async run(context) {
      const { ns, note } = context;
      await startMesh(context, 2, { disruption: { maxUnavailable: 1 } });
      const listed = async () => {
        const names = await ns.kubectl(["get", KINDS, "-o", "name", "-l", SELECTOR]);
        return names.split("\n").filter(Boolean);
      };
      const before = await listed();
      note(`made: ${before.length} objects`);
      want(before.length >= 8, () => `only ${before}`);
      const started = Date.now();
      await ns.delete("smesh", MESH);
      await until("nothing to be left", async () => {
        const left = await listed();
        want(left.length === 0, () => left.join(" "));
      }, { timeoutMs: 60_000 });
      note(`all gone after ${((Date.now() - started) / 1000).toFixed(1)}s`);
    },
  },
  {
    name: "render is what the server accepts",
    ownCluster: true,
    async run({ ns }) {
      const binary = new URL("../../build/bin/socketmesh-operator", import.meta.url).pathname;
      const example = new URL("../../examples/chat.yaml", import.meta.url).pathname;
      const { stdout } = await run(binary, ["render", "-f", example, "--namespace", ns.name]);
      await kubectl(["apply", "--dry-run=server", "-n", ns.name, "-f", "-"], { input: stdout });
      // sidecar.yaml is a sidecar's configuration, not a resource.
      const folder = new URL("../../examples/", import.meta.url).pathname;
      const examples = (await readdir(folder)).filter((name) => name.endsWith(".yaml") && name !== "sidecar.yaml");
      for (const name of examples) {
        await kubectl(["apply", "--dry-run=server", "-n", ns.name, "-f", `${folder}${name}`]);
      }
    },
  },
];

// A SocketMesh with a template: the operator makes the pods.

import { allHearAll, clientOnEach, converged, nothingLost } from "../lib/chat.mjs";
import { APP_PORT } from "../lib/clients.mjs";
import { container, isReady, kubectl, restarts, whyNotReady } from "../lib/kube.mjs";
import { MESH, SELECTOR, startMesh, uids } from "../lib/meshes.mjs";
import { killContainer } from "../lib/node.mjs";
import { podTemplate } from "../lib/objects.mjs";
import { sleep, stays, until, want } from "../lib/wait.mjs";

/** None of these pods may go while action() runs. */
async function noneGone(ns, pods, action) {
  await action();
  const left = new Set(uids(await ns.pods(SELECTOR)));
  const gone = pods.filter(({ metadata }) => !left.has(metadata.uid));
  if (gone.length > 0) throw new Error(`gone: ${gone.map(({ metadata }) => metadata.name)}`);
}

/** As `kubectl drain` does it. */
function evict(ns, { metadata: { name } }) {
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } };
  return kubectl(["create", "--raw", `/api/v1/namespaces/${ns.name}/pods/${name}/eviction`, "-f", "-"],
    { input: JSON.stringify(eviction) });
}

export const cases = [
  {
    name: "apply: three pods hear each other",
    labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      for (const pod of pods) {
        const [first] = pod.spec.initContainers;
        want(first.name === "socketmesh" && first.restartPolicy === "Always", "the sidecar is not the first");
        const { sidecarAtStart, attachedMs } = await clients.appState(pod);
        want(sidecarAtStart, `the app of ${pod.metadata.name} ran before its sidecar`);
        note(`${pod.metadata.name}: attached ${attachedMs} ms after its app began`);
      }
      for (const type of ["Ready", "Available", "MeshConverged", "CertificatesReady"]) {
        const condition = await ns.whenCondition("smesh", MESH, type, "True");
        const { metadata } = await ns.get("smesh", MESH);
        want(condition.observedGeneration === metadata.generation, `${type} is of another generation`);
      }
      await until("members: 3", async () => {
        const { status } = await ns.get("smesh", MESH);
        want(status.members === 3 && status.readyReplicas === 3, () => JSON.stringify(status));
      });
      await allHearAll(clients, await clientOnEach(clients, pods));
    },
  },
  {
    name: "scale to five and down to two",
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      await ns.kubectl(["scale", `smesh/${MESH}`, "--replicas=5"]);
      const five = await ns.readyPods(SELECTOR, 5);
      await converged(clients, five);
      want(uids(pods).every((uid) => uids(five).includes(uid)), "a pod was replaced by scaling up");
      await clientOnEach(clients, five);
      await allHearAll(clients, five.map(({ metadata }) => metadata.name));
      await ns.patch("smesh", MESH, { spec: { replicas: 2 } });
      const two = await ns.readyPods(SELECTOR, 2);
      await converged(clients, two);
      await allHearAll(clients, two.map(({ metadata }) => metadata.name));
      const scale = JSON.parse(await kubectl(["get", "--raw",
        `/apis/socketmesh.io/v1alpha1/namespaces/${ns.name}/socketmeshes/${MESH}/scale`]));
      want(scale.spec.replicas === 2, () => `scale says ${JSON.stringify(scale)}`);
      note(`selector of the scale subresource: ${scale.status.selector}`);
    },
  },
  {
    name: "hand over to an autoscaler and back",
    async run(context) {
      const { ns } = context;
      const pods = await startMesh(context, 3);
      const replicas = async () => (await ns.get("deployment", MESH)).spec.replicas;
      await noneGone(ns, pods, async () => {
        await ns.patch("smesh", MESH, { spec: { autoscaling: { minReplicas: 3, maxReplicas: 6 } } });
        await until("the autoscaler", () => ns.get("hpa", MESH));
        await stays("three replicas", async () => want((await replicas()) === 3, "it changed"), { forMs: 5000 });
        // Another hand scales now, as the autoscaler would: the operator has to let it.
        await ns.kubectl(["scale", `deployment/${MESH}`, "--replicas=4"]);
        await ns.readyPods(SELECTOR, 4);
        await stays("four replicas", async () => want((await replicas()) === 4, "it changed"), { forMs: 5000 });
        await ns.patch("smesh", MESH, { spec: { autoscaling: null, replicas: 4 } });
        await until("no autoscaler", async () => want(!(await ns.exists("hpa", MESH)), "it is there"));
        await stays("four replicas", async () => want((await replicas()) === 4, "it changed"), { forMs: 3000 });
      });
    },
  },
  {
    name: "rolling update under traffic",
    timeoutS: 240,
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      const { spec } = await ns.get("service", MESH);
      // Two kinds of users: those of one pod, whose connection ends with it, and those of the
      // Service, who come back on another one.
      const names = await clientOnEach(clients, pods);
      for (let i = 0; i < 4; i += 1) {
        const name = `roamer-${i}`;
        await clients.connect(name, `http://${spec.clusterIP}:${APP_PORT}`, { again: true });
        names.push(name);
      }
      await clients.startTraffic(names);
      const template = podTemplate({ app: { env: { APP_VERSION: "2" } } });
      await ns.patch("smesh", MESH, { spec: { template } });
      await until("the new template", async () => {
        const { spec: { template: now } } = await ns.get("deployment", MESH);
        want(container({ spec: now.spec }, "app").env?.some(({ value }) => value === "2"), "it is the old one");
      });
      await ns.kubectl(["rollout", "status", `deployment/${MESH}`, "--timeout=120s"]);
      const renewed = await ns.readyPods(SELECTOR, 3);
      await sleep(2000);
      note(nothingLost(await clients.settleTraffic()));
      const old = new Set(uids(pods));
      want(renewed.every(({ metadata }) => !old.has(metadata.uid)), "an old pod is still there");
      await converged(clients, renewed);
    },
  },
  {
    name: "delete a pod under traffic",
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      const names = await clientOnEach(clients, pods);
      await clients.startTraffic(names);
      await sleep(500);
      await ns.delete("pod", names[0], "--wait=false");
      const now = await until("its successor", async () => {
        const ready = await ns.readyPods(SELECTOR, 3, { timeoutMs: 0 });
        want(!uids(ready).includes(pods[0].metadata.uid), "the deleted pod is still there");
        return ready;
      }, { timeoutMs: 60_000 });
      await converged(clients, now);
      note(nothingLost(await clients.settleTraffic()));
    },
  },
  {
    name: "evictions keep to the disruption budget",
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3, { disruption: { maxUnavailable: 1 } });
      await until("the budget", async () => {
        const { status } = await ns.get("pdb", MESH);
        want(status.disruptionsAllowed === 1, () => `it allows ${status.disruptionsAllowed}`);
      });
      const names = await clientOnEach(clients, pods);
      await clients.startTraffic(names);
      await evict(ns, pods[0]);
      const refusal = await evict(ns, pods[1]).then(() => "", (error) => error.message);
      want(/disruption budget/i.test(refusal), () => `the second eviction: ${refusal || "was let through"}`);
      await converged(clients, await ns.readyPods(SELECTOR, 3));
      note(nothingLost(await clients.settleTraffic()));
    },
  },
  {
    name: "kill a sidecar under traffic",
    ownCluster: true,
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      const names = await clientOnEach(clients, pods);
      await clients.startTraffic(names);
      await sleep(1000);
      await killContainer(pods[0], "socketmesh");
      await until("the sidecar's restart", async () => {
        const pod = await ns.get("pod", names[0]);
        want(restarts(pod, "socketmesh") === 1 && isReady(pod), () => whyNotReady(pod));
      });
      await converged(clients, pods);
      await sleep(1000);
      note(nothingLost(await clients.settleTraffic()));
      for (const pod of pods) {
        const { gaps, attachments } = await clients.appState(pod);
        want(gaps === 0, () => `${pod.metadata.name} was told of ${gaps} gaps`);
        const expected = pod === pods[0] ? 2 : 1;
        want(attachments === expected, () => `${pod.metadata.name} attached ${attachments} times`);
        want(restarts(await ns.get("pod", pod.metadata.name), "app") === 0, "the app was restarted");
      }
    },
  },
];

// The mesh goes on without those who made it. These cases take something away from everybody, so
// they run alone.

import { allHearAll, clientOnEach, converged, nothingLost } from "../lib/chat.mjs";
import { container, isReady, kubectl, restarts } from "../lib/kube.mjs";
import { labelledDeployment, MESH, SELECTOR, sidecarOf, startLabelledMesh, startMesh, uids } from "../lib/meshes.mjs";
import { killContainer, startPart, stopPart, tagImage } from "../lib/node.mjs";
import { Operator, OPERATOR_SELECTOR, RELEASE } from "../lib/operator.mjs";
import { settings } from "../lib/settings.mjs";
import { sleep, until, want } from "../lib/wait.mjs";
import { startCarried } from "./drop-in.mjs";
import { bareEvents } from "./inject.mjs";

const LEASE = "socketmesh-operator";
const OPERATOR_ROLE = "socketmesh-operator";
/** A lease that is not renewed runs out after 15 s, and candidates look every few seconds. */
const TAKEOVER_MS = 45_000;
const API_AWAY_MS = 8_000;
/** From a ready endpoint of the webhook to the rules that lead the API server there. */
const PROXY_MS = 2_000;

async function leader(operator) {
  const { spec } = await operator.ns.get("lease", LEASE);
  const pod = (await operator.pods()).find(({ metadata }) => spec.holderIdentity?.startsWith(metadata.name));
  want(pod !== undefined, () => `the lease is of '${spec.holderIdentity}'`);
  return { pod, holder: spec.holderIdentity, transitions: spec.leaseTransitions ?? 0 };
}

/** What happens to the leader, and the seconds until another one is. */
async function takeover(operator, action) {
  await until("two operators", async () => {
    const ready = (await operator.pods()).filter(isReady);
    want(ready.length === 2, () => `${ready.length} are ready`);
  }, { timeoutMs: TAKEOVER_MS });
  const before = await leader(operator);
  const started = Date.now();
  await action(before);
  await until("another leader", async () => {
    const { spec } = await operator.ns.get("lease", LEASE);
    want(spec.holderIdentity && spec.holderIdentity !== before.holder, () => `it is '${spec.holderIdentity}'`);
    want(spec.leaseTransitions > before.transitions, () => `${spec.leaseTransitions} transitions`);
  }, { timeoutMs: TAKEOVER_MS });
  return ((Date.now() - started) / 1000).toFixed(1);
}

/** The operator's work, seen from outside: it follows a change of the spec. */
async function follows(ns, replicas) {
  await ns.patch("smesh", MESH, { spec: { replicas } });
  return ns.readyPods(SELECTOR, replicas);
}

export const cases = [
  {
    name: "the leading operator goes, and dies",
    alone: true,
    ownCluster: true,
    async run(context) {
      const { ns, clients, note } = context;
      const operator = new Operator();
      const pods = await startMesh(context, 2);
      await clients.startTraffic(await clientOnEach(clients, pods));

      const told = await takeover(operator, ({ pod }) => operator.ns.delete("pod", pod.metadata.name, "--wait=false"));
      note(`told to go: another leads after ${told}s`);
      await follows(ns, 3);

      // Secrets are not watched; a new leader looks at them all the same.
      const secret = `${MESH}-mesh-tls`;
      await ns.delete("secret", secret);
      const killed = await takeover(operator, ({ pod }) => killContainer(pod, "operator"));
      note(`killed: another leads after ${killed}s`);
      await until("the deleted Secret to be back", () => ns.get("secret", secret));
      await converged(clients, await follows(ns, 4));
      note(nothingLost(await clients.settleTraffic()));
    },
  },
  {
    name: "operator and webhook away, and back",
    alone: true,
    timeoutS: 240,
    async run(context) {
      const { ns, clients, note, cleanup } = context;
      const operator = new Operator();
      await startLabelledMesh(context);
      await ns.apply(labelledDeployment("plain", { replicas: 2 }));
      const pods = await ns.readyPods(SELECTOR, 2);
      await converged(clients, pods);
      const [deployment] = await operator.ns.list("deployments");
      const scale = (replicas) =>
        operator.ns.kubectl(["scale", `deployment/${deployment.metadata.name}`, `--replicas=${replicas}`]);
      cleanup(() => scale(deployment.spec.replicas));
      await scale(0);
      await until("no operator", async () => {
        const left = await operator.ns.list("pods", OPERATOR_SELECTOR); // those that end, too
        want(left.length === 0, () => `${left.length} are left`);
      });

      const names = await clientOnEach(clients, pods);
      await allHearAll(clients, names);
      const started = Date.now();
      await ns.apply(labelledDeployment("late"));
      const [late] = await ns.readyPods("app=late", 1);
      note(`a pod starts without the webhook after ${((Date.now() - started) / 1000).toFixed(1)}s`);
      want(sidecarOf(late) === undefined, "who injected it?");
      // A member that comes while the operator is away is found all the same: sidecars watch.
      await ns.delete("pod", pods[0].metadata.name, "--wait=false").catch(() => {});

      await scale(deployment.spec.replicas);
      await until("an event about the bare pod", async () => {
        want((await bareEvents(ns, late)).length > 0, "there is none");
      }, { timeoutMs: 60_000 });
      await operator.ns.kubectl(["rollout", "status", `deployment/${deployment.metadata.name}`, "--timeout=60s"]);
      await sleep(PROXY_MS);
      await ns.kubectl(["rollout", "restart", "deployment/plain", "deployment/late"]);
      await ns.kubectl(["rollout", "status", "deployment/plain", "--timeout=60s"]);
      await ns.kubectl(["rollout", "status", "deployment/late", "--timeout=60s"]);
      const now = await ns.readyPods(SELECTOR, 3);
      want(now.every(sidecarOf), "a pod is still bare");
      await converged(clients, now);
    },
  },
  {
    name: "the API server restarts under traffic",
    alone: true,
    ownCluster: true,
    timeoutS: 240,
    expectErrors: [/./], // whatever it says while there is no API server
    async run(context) {
      const { ns, clients, note, cleanup } = context;
      const pods = await startMesh(context, 3);
      const carried = await startCarried(context, "dropin");
      const names = await clientOnEach(clients, pods);
      await clients.startTraffic(names);
      cleanup(() => startPart("kube-apiserver"));
      await stopPart("kube-apiserver");
      await sleep(API_AWAY_MS);
      const mid = await clients.appState(pods[0]);
      want(mid.attached && mid.peers.length === 2, () => `while it was away: ${JSON.stringify(mid)}`);
      await carried.check("away");
      await startPart("kube-apiserver");
      await until("the API server", () => ns.get("smesh", MESH), { timeoutMs: 60_000 });
      const five = await until("the operator to follow again", () => follows(ns, 4), { timeoutMs: 60_000 });
      await converged(clients, five, { timeoutMs: 60_000 });
      note(nothingLost(await clients.settleTraffic()));
      await carried.check("back");
      for (const pod of [...pods, ...carried.pods]) {
        const now = await ns.get("pod", pod.metadata.name);
        want(restarts(now, "socketmesh") + restarts(now, "app") === 0, "a container was restarted");
      }
    },
  },
  {
    name: "an operator upgrade restarts no user pod",
    alone: true,
    ownCluster: true,
    timeoutS: 300,
    async run(context) {
      const { ns, clients, note, cleanup } = context;
      const operator = new Operator();
      const next = settings.sidecarImage.replace(/:[^:/]+$/, ":next");
      await tagImage(settings.sidecarImage, next);
      const pods = await startMesh(context, 2);
      const pinned = (await ns.get("smesh", MESH)).status.sidecarRevision;
      want(pinned.includes(settings.sidecarImage), () => `status.sidecarRevision is ${pinned}`);
      const names = await clientOnEach(clients, pods);
      await clients.startTraffic(names);
      cleanup(() => operator.helm());
      await operator.helm(["--set", "sidecar.image.tag=next"]);
      await sleep(5000);
      note(nothingLost(await clients.settleTraffic()));
      const after = await ns.readyPods(SELECTOR, 2);
      want(uids(after).join() === uids(pods).join(), "pods were replaced");
      want((await ns.get("smesh", MESH)).status.sidecarRevision === pinned, "the revision is another");

      await ns.kubectl(["annotate", "smesh", MESH, "socketmesh.io/upgrade=true"]);
      const renewed = await until("the new sidecar", async () => {
        const now = await ns.readyPods(SELECTOR, 2, { timeoutMs: 0 });
        want(now.every((pod) => container(pod, "socketmesh").image === next), "not everywhere");
        return now;
      }, { timeoutMs: 90_000 });
      await converged(clients, renewed);
      await until("its revision in the status", async () => {
        const { sidecarRevision } = (await ns.get("smesh", MESH)).status;
        want(sidecarRevision.includes(next), () => `it is ${sidecarRevision}`);
      });
    },
  },
  {
    name: "an operator for some namespaces only",
    alone: true,
    // The replicas before it lose their rights in other namespaces a moment before they go.
    expectErrors: [/is forbidden/],
    timeoutS: 240,
    async run(context) {
      const { ns, clients, cleanup } = context;
      const operator = new Operator();
      const serve = (namespaces) => operator.helm(["--set-json", `watchNamespaces=${JSON.stringify(namespaces)}`]);
      cleanup(() => serve([]));
      await serve([ns.name]);
      const roles = await ns.list("roles");
      want(roles.length > 0, "there is no Role of it here");
      const cluster = JSON.parse(await kubectl(["get", "clusterrolebindings", "-o", "json"])).items;
      const wide = cluster.filter(({ metadata, roleRef }) =>
        metadata.labels?.["app.kubernetes.io/instance"] === RELEASE && roleRef.name === OPERATOR_ROLE);
      want(wide.length === 0, "it still has its rights everywhere");
      const pods = await startMesh(context, 2);
      await ns.whenCondition("smesh", MESH, "Ready", "True");
      await ns.apply(labelledDeployment("guest"));
      const [guest] = await ns.readyPods("app=guest", 1);
      want(sidecarOf(guest) !== undefined, "a labelled pod was not injected");
      await converged(clients, [...pods, guest]);
    },
  },
];

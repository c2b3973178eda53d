// The sidecar without the operator, put into a Deployment by hand.

import { Authority, byHand, discovery, endpointSliceRights, tlsSecret } from "../lib/by-hand.mjs";
import { allHearAll, clientOnEach, converged, nothingCut, nothingLost } from "../lib/chat.mjs";
import { MESH_LABEL } from "../lib/kube.mjs";
import { sleep, until, want } from "../lib/wait.mjs";

const MESH = "hand";
const SELECTOR = `${MESH_LABEL}=${MESH}`;
/** A changed Secret takes up to 79 s to reach a pod. */
const ROTATION_MS = 150_000;

/** Three pods that found each other, and whoever signs for them. */
async function meet({ ns, clients, cleanup }, peers) {
  const authority = await Authority.create(ns.name, MESH);
  cleanup(() => authority.remove());
  const secret = tlsSecret("tls", await authority.leaf());
  await ns.apply([secret, ...byHand(MESH, { replicas: 3, secret: "tls", peers })]);
  const pods = await ns.readyPods(SELECTOR, 3);
  await converged(clients, pods);
  return { pods, authority };
}

/** They hear each other, and are all replaced while they talk. */
async function meetAndRoll(context, peers) {
  const { ns, clients, note } = context;
  const { pods } = await meet(context, peers);
  for (const pod of pods) {
    const { sidecarAtStart } = await clients.appState(pod);
    want(sidecarAtStart, `the app of ${pod.metadata.name} ran before its sidecar`);
  }
  const names = await clientOnEach(clients, pods);
  await allHearAll(clients, names);

  await clients.startTraffic(names);
  await ns.kubectl(["rollout", "restart", `deployment/${MESH}`]);
  await ns.kubectl(["rollout", "status", `deployment/${MESH}`, "--timeout=90s"]);
  await sleep(1000);
  note(nothingLost(await clients.settleTraffic()));
  await converged(clients, await ns.readyPods(SELECTOR, 3));
}

const labels = { "pod-security.kubernetes.io/enforce": "restricted" };

export const cases = [
  {
    name: "sidecars by hand, over DNS",
    operator: false,
    labels,
    run: (context) => meetAndRoll(context, discovery.dns(context.ns.name, MESH)),
  },
  {
    name: "sidecars by hand, over EndpointSlices",
    operator: false,
    labels,
    async run(context) {
      await context.ns.apply(endpointSliceRights(context.ns.name));
      await meetAndRoll(context, discovery.kubernetes(context.ns.name, MESH));
    },
  },
  {
    name: "certificates by hand, replaced under traffic",
    operator: false,
    timeoutS: 240,
    async run(context) {
      const { ns, clients, note } = context;
      const { pods, authority } = await meet(context, discovery.dns(ns.name, MESH));
      const before = await Promise.all(pods.map((pod) => clients.sidecarStatus(pod)));
      await clients.startTraffic(await clientOnEach(clients, pods), 50);
      const started = Date.now();
      await ns.apply(tlsSecret("tls", await authority.leaf(2)));
      await until("every sidecar to have the new leaf", async () => {
        for (const [i, pod] of pods.entries()) {
          const { tls } = await clients.sidecarStatus(pod);
          want(tls.leaf_not_after > before[i].tls.leaf_not_after, () => `${pod.metadata.name} has the old one`);
        }
      }, { timeoutMs: ROTATION_MS, pauseMs: 500 });
      note(`everywhere after ${((Date.now() - started) / 1000).toFixed(0)}s`);
      note(nothingLost(await clients.settleTraffic()));
      await nothingCut(clients, pods, before);
    },
  },
];

// The sidecar without the operator, put into a Deployment by hand.

import { byHand, discovery, endpointSliceRights, makeCertificates, tlsSecret } from "../lib/by-hand.mjs";
import { allHearAll, clientOnEach, converged, nothingLost } from "../lib/chat.mjs";
import { MESH_LABEL } from "../lib/kube.mjs";
import { sleep, want } from "../lib/wait.mjs";

const MESH = "hand";
const SELECTOR = `${MESH_LABEL}=${MESH}`;

/** Three pods find each other, hear each other, and are all replaced while they talk. */
async function meetAndRoll({ ns, clients, note }, peers) {
  const certificates = await makeCertificates(ns.name, MESH);
  await ns.apply([tlsSecret("tls", certificates), ...byHand(MESH, { replicas: 3, secret: "tls", peers })]);
  const pods = await ns.readyPods(SELECTOR, 3);
  await converged(clients, pods);
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
];

// The sidecar without the operator, put into a Deployment by hand, its peers found by DNS.

import { byHand, makeCertificates, tlsSecret } from "../lib/by-hand.mjs";
import { allHearAll, clientOnEach, converged, nothingLost } from "../lib/chat.mjs";
import { MESH_LABEL } from "../lib/kube.mjs";
import { sleep } from "../lib/wait.mjs";

const MESH = "hand";

export const cases = [
  {
    name: "sidecars by hand, over DNS",
    operator: false,
    labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    async run({ ns, clients, note }) {
      const certificates = await makeCertificates(ns.name, MESH);
      await ns.apply([tlsSecret("tls", certificates), ...byHand(ns.name, MESH, { replicas: 3, secret: "tls" })]);
      const selector = `${MESH_LABEL}=${MESH}`;
      const pods = await ns.readyPods(selector, 3);
      await converged(clients, pods);
      for (const pod of pods) {
        const { sidecarAtStart } = await clients.appState(pod);
        if (!sidecarAtStart) throw new Error(`the app of ${pod.metadata.name} ran before its sidecar`);
      }
      const names = await clientOnEach(clients, pods);
      await allHearAll(clients, names);

      await clients.startTraffic(names);
      await ns.kubectl(["rollout", "restart", `deployment/${MESH}`]);
      await ns.kubectl(["rollout", "status", `deployment/${MESH}`, "--timeout=90s"]);
      await sleep(1000);
      note(nothingLost(await clients.settleTraffic()));
      await converged(clients, await ns.readyPods(selector, 3));
    },
  },
];

// Meshes that many cases begin with.

import { converged } from "./chat.mjs";
import { MESH_LABEL } from "./kube.mjs";
import { deployment, socketMesh } from "./objects.mjs";

/** The name of each case's mesh, and what selects its pods. */
export const MESH = "chat";
export const SELECTOR = `${MESH_LABEL}=${MESH}`;

/** Applies a SocketMesh with a template; waits until its pods are ready and know each other. */
export async function startMesh({ ns, clients }, replicas, spec = {}, metadata = {}) {
  await ns.apply(socketMesh(MESH, { replicas, ...spec }, metadata));
  const pods = await ns.readyPods(SELECTOR, replicas);
  await converged(clients, pods);
  return pods;
}

/** A SocketMesh in labelled mode, ready for pods to be injected. */
export async function startLabelledMesh({ ns }, spec = {}) {
  await ns.apply(socketMesh(MESH, { template: undefined, ...spec }));
  await ns.whenCondition("smesh", MESH, "CertificatesReady", "True");
}

/** A Deployment of pods that ask for a sidecar by their label. */
export function labelledDeployment(name, options = {}) {
  return deployment(name, { ...options, labels: { [MESH_LABEL]: MESH, ...options.labels } });
}

export const uids = (pods) => pods.map(({ metadata }) => metadata.uid).sort();

/** The sidecar of a pod, where it has one. */
export const sidecarOf = (pod) => pod.spec.initContainers?.find(({ name }) => name === "socketmesh");

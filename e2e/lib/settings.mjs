// What the suite runs against. make e2e boots a cluster and sets none of these; with
// CLUSTER=existing the images must be where that cluster can pull them.

const { env } = process;
export const existing = env.CLUSTER === "existing";

export const settings = {
  existing,
  sidecarImage: env.SIDECAR_IMAGE ?? "localhost/socketmesh-sidecar:e2e",
  operatorImage: env.OPERATOR_IMAGE ?? "localhost/socketmesh-operator:e2e",
  appImage: env.APP_IMAGE ?? "localhost/socketmesh-e2e-app:e2e",
  pullPolicy: existing ? "IfNotPresent" : "Never",
  /** Cases that run side by side. */
  jobs: Number(env.E2E_JOBS ?? 3),
  /** Where logs and dumps go. */
  output: new URL("../../build/e2e/", import.meta.url),
  /** Leaves the namespaces of failed cases behind, to look at. */
  keep: env.E2E_KEEP !== undefined,
};

// The examples, as users apply them.

import { readFile } from "node:fs/promises";
import { kubectl } from "./kube.mjs";
import { makeVolume } from "./node.mjs";

/** Applies examples/<file>; images: {the example's name for it: the one that this cluster has}. */
export async function applyExample(ns, file, images) {
  let input = await readFile(new URL(`../../examples/${file}`, import.meta.url), "utf8");
  for (const [theirs, ours] of Object.entries(images)) {
    if (!input.includes(`image: ${theirs}\n`)) throw new Error(`${file} has no image ${theirs}`);
    input = input.replaceAll(`image: ${theirs}\n`, `image: ${ours}\n`);
  }
  await ns.kubectl(["apply", "-f", "-"], { input });
}

/** A volume on the node for each of these claims, as a cluster of ours provides none by itself. */
export async function provideVolumes({ ns, cleanup }, claims, storage = "1Gi") {
  const hosts = [{ key: "kubernetes.io/hostname", operator: "Exists" }];
  const items = await Promise.all(claims.map(async (claim) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `${ns.name}-${claim}` },
    spec: {
      capacity: { storage },
      accessModes: ["ReadWriteOnce"],
      claimRef: { namespace: ns.name, name: claim },
      local: { path: await makeVolume(`${ns.name}-${claim}`) },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: hosts }] } },
    },
  })));
  await kubectl(["create", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  cleanup(() => kubectl(["delete", "pv", "--wait=false", ...items.map(({ metadata }) => metadata.name)]));
}

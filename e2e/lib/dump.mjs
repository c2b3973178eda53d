// What a person would look at after a failure, in one folder: objects, events, logs.

import { mkdir, writeFile } from "node:fs/promises";
import { kubectl } from "./kube.mjs";

const LOG_LINES = 400;
const OBJECTS = [
  "pods,deployments,replicasets,services,endpointslices,configmaps,rolebindings,pdb,hpa,networkpolicies",
  "socketmeshes",
];

async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    return `${error.message}\n`;
  }
}

/** Writes into folder (a URL that ends with a slash); never throws. */
export async function dumpNamespace(namespace, folder) {
  await mkdir(folder, { recursive: true });
  const save = async (file, action) => writeFile(new URL(file, folder), await attempt(action));
  const inside = (args) => kubectl(["--namespace", namespace, ...args]);
  await save("objects.txt", () => inside(["get", OBJECTS[0], "-o", "wide"]));
  await save("pods.yaml", () => inside(["get", "pods", "-o", "yaml"]));
  await save("meshes.yaml", () => inside(["get", OBJECTS[1], "-o", "yaml"]));
  await save("describe.txt", () => inside(["describe", "pods,socketmeshes"]));
  await save("events.txt", () => inside(["get", "events", "--sort-by=.lastTimestamp", "-o", "wide"]));
  const pods = await attempt(() => inside(["get", "pods", "-o", "name"]));
  for (const pod of pods.split("\n").filter((line) => line.startsWith("pod/"))) {
    const flags = ["--all-containers", "--prefix", `--tail=${LOG_LINES}`];
    const name = pod.slice("pod/".length);
    await save(`${name}.log`, () => inside(["logs", name, ...flags]));
    const previous = await attempt(() => inside(["logs", name, "-c", "socketmesh", "--previous"]));
    if (!previous.includes("not found")) await save(`${name}.previous.log`, async () => previous);
  }
}

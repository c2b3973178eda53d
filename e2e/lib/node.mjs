// What only works on a cluster of ours, as it takes the machine: SIGKILL to a process in a
// container, and the parts of the control plane.

import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { containerStatuses } from "./kube.mjs";
import { run } from "./run.mjs";

const CLUSTER = fileURLToPath(new URL("../cluster/cluster.sh", import.meta.url));

function containerId(pod, name) {
  const id = containerStatuses(pod).find((one) => one.name === name)?.containerID?.replace(/^.*:\/\//, "");
  if (!id) throw new Error(`${pod.metadata.name} has no running container ${name}`);
  return id;
}

/** The host's pids of a container's processes. */
export async function pidsOf(pod, name) {
  const id = containerId(pod, name);
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const inside = await Promise.all(pids.map(async (pid) => {
    const groups = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
    return groups.includes(id);
  }));
  return pids.filter((_, i) => inside[i]).map(Number);
}

export async function killContainer(pod, name, signal = "SIGKILL") {
  const pids = await pidsOf(pod, name);
  if (pids.length === 0) throw new Error(`no process of ${pod.metadata.name}/${name}`);
  for (const pid of pids) process.kill(pid, signal);
}

/** Resident memory of a container's processes, bytes. */
export async function residentBytes(pod, name) {
  let total = 0;
  for (const pid of await pidsOf(pod, name)) {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    total += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }
  return total;
}

/** CPU time that a container's processes have used, seconds. */
export async function cpuSeconds(pod, name) {
  const TICKS_PER_SECOND = 100;
  let ticks = 0;
  for (const pid of await pidsOf(pod, name)) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const [utime, stime] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
    ticks += Number(utime) + Number(stime);
  }
  return ticks / TICKS_PER_SECOND;
}

export const stopPart = (part) => run(CLUSTER, ["stop", part]);
export const startPart = (part) => run(CLUSTER, ["start", part]);
/** Another name for an image that the node has. */
export const tagImage = (image, name) => run(CLUSTER, ["tag", image, name]);
/** A folder on the node, which goes with the cluster; resolves with its path. */
export const makeVolume = async (name) => (await run(CLUSTER, ["volume", name])).stdout.trim();

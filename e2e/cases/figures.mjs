// Figures that the project promises. They need the machine for themselves.

import { clientOnEach } from "../lib/chat.mjs";
import { AcceptingPeer, SliceWatch, sliceOf } from "../lib/dialled.mjs";
import { kubectl } from "../lib/kube.mjs";
import { MESH, SELECTOR, startMesh } from "../lib/meshes.mjs";
import { FakeNode } from "../lib/kwok.mjs";
import { cpuSeconds, residentBytes } from "../lib/node.mjs";
import { podTemplate, socketMesh } from "../lib/objects.mjs";
import { Operator } from "../lib/operator.mjs";
import { sleep, until, want } from "../lib/wait.mjs";

const MIB = 1024 * 1024;
const MESHES = 100;
const OPERATOR_BYTES_MAX = 24 * MIB;
/** Of one core, with a hundred meshes that nothing happens to: 2 %. */
const OPERATOR_IDLE_CPU_MAX = 0.02;
const IDLE_S = 20;
/** Fake pods answer no poll: by then the operator asks them as seldom as those of a mesh at rest. */
const BACKED_OFF_MS = 60_000;
const KNOWN_MS_MAX = 100;
const DIALLED_MS_MAX = 100;
/** A SYN that the machine drops costs a second, for all three sidecars of a round: two of three must be in time. */
const USUAL = 0.67;
const DIALLED_TIMES = 10;
/** Longer than the operator's own pause between two polls of sidecars, 30 s. */
const SETTLED_MS = 32_000;

/** Lines that the app logged: [{time, pod, message, …}]. */
async function appLog(ns, pod) {
  const text = await ns.kubectl(["logs", pod.metadata.name, "-c", "app"]);
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

const OWNED = "deployments,services,configmaps,secrets,rolebindings,poddisruptionbudgets,networkpolicies,smesh";

/** Kind, name and resourceVersion of all that belongs to a mesh; pods are the kubelet's. */
async function versions(ns) {
  const { items } = JSON.parse(await ns.kubectl(["get", OWNED, "-o", "json"]));
  return items.map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.resourceVersion}`).sort();
}

/** Fails if anything of the mesh is another after so long; names what. */
async function nothingWritten(ns, forMs) {
  const before = new Set(await versions(ns));
  await sleep(forMs);
  const written = (await versions(ns)).filter((line) => !before.has(line));
  want(written.length === 0, () => `written: ${written.join(", ")}`);
}

export const cases = [
  {
    name: "a new member is known at once",
    alone: true,
    async run(context) {
      const { ns, clients, note } = context;
      await startMesh(context, 3);
      await ns.kubectl(["scale", `smesh/${MESH}`, "--replicas=5"]);
      const pods = await ns.readyPods(SELECTOR, 5);
      await clientOnEach(clients, pods);
      const logs = new Map();
      for (const pod of pods) logs.set(pod.metadata.name, await appLog(ns, pod));
      const delays = [];
      for (const [name, lines] of logs) {
        for (const { time, message, name: peer } of lines) {
          if (message !== "peer up") continue;
          const attached = logs.get(peer)?.find((line) => line.message === "attached");
          const served = lines.find((line) => line.message === "attached");
          // Only a sidecar with an app can tell it: the later of the two counts.
          if (attached && served) delays.push(Date.parse(time) - Math.max(Date.parse(attached.time), Date.parse(served.time)));
        }
        want(lines.length > 0, () => `${name} logged nothing`);
      }
      delays.sort((a, b) => a - b);
      const at = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))];
      note(`${delays.length} times: median ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms`);
      want(delays.length >= 14, () => `only ${delays.length} of 20 were seen`);
      want(at(USUAL) <= KNOWN_MS_MAX, () => `usually ${at(USUAL)} ms, above ${KNOWN_MS_MAX} ms`);
    },
  },
  {
    name: "a new address is dialled at once",
    alone: true,
    ownCluster: true, // what listens is this process, on the node
    async run(context) {
      const { ns, note, cleanup } = context;
      await startMesh(context, 3);
      const watch = new SliceWatch(ns);
      cleanup(() => watch.stop());
      await watch.started();
      const delays = [];
      for (let i = 0; i < DIALLED_TIMES; ++i) {
        const peer = await AcceptingPeer.listen();
        cleanup(() => peer.close());
        const name = `dialled-${i}`;
        await ns.apply(sliceOf(name, `${MESH}-mesh`, peer));
        const seen = await watch.of(name);
        await until("every sidecar to dial it", () => want(peer.accepted.size === 3, () => `${peer.accepted.size} of 3`));
        for (const at of peer.accepted.values()) delays.push(Math.max(0, at - seen));
      }
      delays.sort((a, b) => a - b);
      const at = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))];
      note(`${delays.length} dials: median ${at(0.5).toFixed(0)} ms after the watch event, p90 ${at(0.9).toFixed(0)} ms, most ${at(1).toFixed(0)} ms`);
      want(at(USUAL) <= DIALLED_MS_MAX, () => `usually ${at(USUAL)} ms, above ${DIALLED_MS_MAX} ms`);
    },
  },
  {
    name: "nothing to do writes nothing",
    async run(context) {
      const { ns } = context;
      await startMesh(context, 2);
      await ns.whenCondition("smesh", MESH, "MeshConverged", "True");
      // Waits out what still follows from the start: the last word on members comes with a poll.
      await until("it to settle", () => nothingWritten(ns, SETTLED_MS), { timeoutMs: 90_000 });
      // Events that make the operator look; neither is a reason to write.
      await ns.kubectl(["annotate", "smesh", MESH, "example.com/look=1"]);
      await ns.kubectl(["label", "pods", "-l", SELECTOR, "example.com/look=1"]);
      await nothingWritten(ns, SETTLED_MS);
    },
  },
  {
    name: `the operator with ${MESHES} SocketMeshes`,
    alone: true,
    ownCluster: true,
    timeoutS: 300,
    async run(context) {
      const { ns, note, cleanup } = context;
      const node = new FakeNode("fake");
      cleanup(() => node.stop());
      await node.start();
      const template = podTemplate({ ...node.placement });
      const meshes = Array.from({ length: MESHES }, (_, i) => socketMesh(`mesh-${i}`, { template, replicas: 1 }));
      const started = Date.now();
      await ns.apply(meshes);
      await until("all of them to be available", async () => {
        const { items } = JSON.parse(await ns.kubectl(["get", "smesh", "-o", "json"]));
        const ready = items.filter(({ status }) => status?.readyReplicas === 1);
        want(ready.length === MESHES, () => `${ready.length} of ${items.length}`);
      }, { timeoutMs: 180_000, pauseMs: 1000 });
      note(`${MESHES} meshes after ${((Date.now() - started) / 1000).toFixed(0)}s`);
      await sleep(BACKED_OFF_MS);
      const operator = new Operator();
      const pods = await operator.pods();
      const before = await Promise.all(pods.map((pod) => cpuSeconds(pod, "operator")));
      await sleep(IDLE_S * 1000);
      const spent = await Promise.all(pods.map(async (pod, i) => (await cpuSeconds(pod, "operator")) - before[i]));
      const resident = await Promise.all(pods.map((pod) => residentBytes(pod, "operator")));
      pods.forEach((pod, i) =>
        note(`${pod.metadata.name}: ${(resident[i] / MIB).toFixed(1)} MiB resident, ${((100 * spent[i]) / IDLE_S).toFixed(2)} % of a core`));
      want(Math.max(...resident) <= OPERATOR_BYTES_MAX, () => `more than ${OPERATOR_BYTES_MAX / MIB} MiB`);
      want(Math.max(...spent) / IDLE_S <= OPERATOR_IDLE_CPU_MAX, () => `more than ${100 * OPERATOR_IDLE_CPU_MAX} % of a core`);
      await kubectl(["delete", "smesh", "--all", "-n", ns.name, "--wait=false"]);
    },
  },
];

// Apps on socket.io-mesh-adapter, as e2e/app/dropin.mjs speaks for them, over the sidecars of three pods.

import { APP_PORT } from "../lib/clients.mjs";
import { MESH_LABEL, container, isReady, restarts } from "../lib/kube.mjs";
import { MESH, SELECTOR, labelledDeployment, startLabelledMesh } from "../lib/meshes.mjs";
import { killContainer } from "../lib/node.mjs";
import { podTemplate, socketMesh } from "../lib/objects.mjs";
import { settings } from "../lib/settings.mjs";
import { stays, until, want } from "../lib/wait.mjs";

const DISCOVERY = "ws://127.0.0.1:8000";
const COUNT = 200;
/** link.peer_timeout: whose sidecar is away for longer can't be reached, and is in no roster. */
const PEER_TIMEOUT_MS = 3000;
const numbers = Array.from({ length: COUNT }, (_, i) => i);

const app = (peer) => ({ args: ["/app/dropin.mjs"], env: { PEER: peer } });
const states = (clients, pods) => Promise.all(pods.map((pod) => clients.appState(pod)));

/** Every app has every other one up, and a whole roster; returns their states. */
function connected(clients, pods) {
  return until("every app to have every other one", async () => {
    const all = await states(clients, pods);
    for (const { id, up, roster } of all) {
      want(up.length === pods.length - 1, () => `${id} has ${up.length} of ${pods.length - 1}`);
      want(Object.keys(roster).length === pods.length, () => `${id}'s roster: ${JSON.stringify(roster)}`);
    }
    return all;
  });
}

/** Every app sends to every other one; everything arrives, once and in order. */
async function exchange(clients, pods, label) {
  for (const pod of pods) {
    await clients.get(`http://${pod.status.podIP}:${APP_PORT}/send?label=${label}&count=${COUNT}`);
  }
  await until(`every frame of ${label}`, async () => {
    const all = await states(clients, pods);
    for (const to of all) {
      for (const from of all) {
        if (from.id === to.id) continue;
        const came = to.got[from.id]?.[label] ?? [];
        want(came.length === COUNT, () => `${to.id} has ${came.length} of ${from.id}`);
        if (!came.every((number, i) => number === numbers[i])) throw new Error(`${to.id}: out of order: ${came}`);
      }
    }
  });
}

function pointed(pods) {
  for (const pod of pods) {
    const variable = container(pod, "app").env.find(({ name }) => name === "MESH_SERVER_WS_ADDRESS");
    want(variable?.value === DISCOVERY, () => `${pod.metadata.name}: ${JSON.stringify(variable)}`);
  }
}

/** No app cut a peer because of an update, but those that are gone. */
function noCuts(all, gone = []) {
  for (const { id, cuts } of all) {
    const wrong = cuts.filter((cut) => !gone.includes(cut.id));
    if (wrong.length > 0) throw new Error(`${id} cut ${JSON.stringify(wrong)}`);
  }
}

/** A mesh of three v2 apps, carried; `check(label)`: all of them hear each other, and none was ever cut. */
export async function startCarried({ ns, clients }, mesh = MESH) {
  await ns.apply(socketMesh(mesh, { replicas: 3, dropIn: { mode: "Carry" }, template: podTemplate({ app: app("v2") }) }));
  const pods = await ns.readyPods(`${MESH_LABEL}=${mesh}`, 3);
  await connected(clients, pods);
  const check = async (label) => {
    await exchange(clients, pods, label);
    noCuts(await states(clients, pods));
  };
  await check("first");
  return { pods, check };
}

/** The sidecar of the first pod is killed: its app is back, and in every roster in between. */
async function killSidecar({ ns, clients, note }, pods) {
  const [{ metadata: { name } }] = pods;
  const before = (await states(clients, pods)).map(({ rosters }) => rosters);
  const started = Date.now();
  await killContainer(pods[0], "socketmesh");
  await until("the sidecar's restart", async () => {
    const pod = await ns.get("pod", name);
    want(restarts(pod, "socketmesh") === 1 && isReady(pod), "it is not back");
  });
  const took = Date.now() - started;
  const [{ id }] = await states(clients, pods);
  await until("its app to have a roster of the new life", async () => {
    const [{ rosters }] = await states(clients, pods);
    want(rosters > before[0], "it has none");
  });
  const all = await connected(clients, pods);
  await exchange(clients, pods, "killed");
  const left = all.slice(1).some(({ goneAt }) => id in goneAt);
  note(`a killed sidecar is ready again after ${took} ms; its app left ${left ? "the" : "no"} roster`);
  want(!left || took > PEER_TIMEOUT_MS, () => "it was not away for that long");
  noCuts(all, left ? [id] : []);
}

/** The app of the second pod is killed: it is gone from the other rosters within a second. Returns its id. */
async function killApp({ clients, note }, pods) {
  const [{ id: first }, { id }, { id: third }] = await states(clients, pods);
  const started = Date.now();
  await killContainer(pods[1], "app");
  const others = [pods[0], pods[2]];
  const times = await until("the rosters without it", async () => {
    const all = await states(clients, others);
    for (const { goneAt } of all) want(goneAt[id] !== undefined, () => `${id} is still there`);
    return all.map(({ goneAt }) => goneAt[id] - started);
  });
  note(`a killed app is gone from the rosters after ${times.join(" and ")} ms`);
  want(times.every((ms) => ms < 1000), () => "that is more than a second");
  await until("its successor", async () => {
    const all = await connected(clients, pods);
    want(all[1].id !== id && all[0].id === first && all[2].id === third, () => `${all.map((one) => one.id)}`);
  });
  return id;
}

export const cases = [
  {
    name: "drop-in: v2 apps are carried between three pods",
    labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    async run({ ns, clients, note }) {
      const template = podTemplate({ app: app("v2") });
      await ns.apply(socketMesh(MESH, { replicas: 3, dropIn: { mode: "Carry" }, template }));
      const pods = await ns.readyPods(SELECTOR, 3);
      pointed(pods);
      await ns.whenCondition("smesh", MESH, "Ready", "True");
      const all = await connected(clients, pods);
      for (const { id, address, roster } of all) {
        for (const [other, shown] of Object.entries(roster)) {
          want(shown === (other === id ? address : `ws://127.0.0.1:8001/${other}`), () => `${other} at ${shown}`);
        }
      }
      await exchange(clients, pods, "first");
      const lost = [all[0].id];
      if (!settings.existing) {
        await killSidecar({ ns, clients, note }, pods);
        lost.push(await killApp({ clients, note }, pods));
      }

      const [gone, ...left] = pods;
      await ns.kubectl(["delete", "pod", gone.metadata.name, "--wait=false"]);
      const started = Date.now();
      await until("the rosters without it", async () => {
        for (const { roster } of await states(clients, left)) want(!(lost[0] in roster), () => `${lost[0]} is still there`);
      });
      note(`gone from the rosters ${Date.now() - started} ms after it was deleted`);
      await until("its pod to be gone", async () => {
        const names = (await ns.pods(SELECTOR)).map(({ metadata }) => metadata.name);
        want(!names.includes(gone.metadata.name), "it is still there");
      });
      const again = await ns.readyPods(SELECTOR, 3);
      await connected(clients, again);
      await exchange(clients, again, "second");
      const last = await states(clients, again);
      noCuts(last, lost);
      for (const pod of again) {
        const { dropin } = await clients.sidecarStatus(pod);
        want(dropin.tunnels.length === 2 && dropin.servers.length === 3, () => JSON.stringify(dropin));
      }
    },
  },
  {
    name: "drop-in: injected v1 apps find each other directly",
    async run({ ns, clients }) {
      await startLabelledMesh({ ns }, { dropIn: { mode: "Direct" } });
      await ns.apply(labelledDeployment("app", { replicas: 3, app: app("v1") }));
      const pods = await ns.readyPods(SELECTOR, 3);
      pointed(pods);
      const all = await connected(clients, pods);
      for (const [i, { id }] of all.entries()) {
        for (const other of all.filter((one) => one.id !== id)) {
          const { hostname } = new URL(other.roster[id]);
          want(hostname === pods[i].status.podIP, () => `${other.id} sees ${id} at ${hostname}`);
        }
      }
      await exchange(clients, pods, "first");
      await stays("the rosters", async () => noCuts(await states(clients, pods)), { forMs: 2000 });
    },
  },
];

// Every pod of an app is replaced, and no client notices but by `socket.recovered`.

import { converged, nothingLost } from "../lib/chat.mjs";
import { APP_PORT } from "../lib/clients.mjs";
import { labelledDeployment, MESH, SELECTOR, startLabelledMesh, startMesh, uids } from "../lib/meshes.mjs";
import { podTemplate } from "../lib/objects.mjs";
import { sleep, until, want } from "../lib/wait.mjs";

const PODS = 3;
const CLIENTS = 9;
/** Of them, those that are away while their pod goes, and the pods that took their sessions over. */
const SLEEPERS = 4;
const ROOM = "all";
const WITH_RECOVERY = { env: { RECOVERY: 1 } };
/** As most apps are that nobody wrote a signal handler for: it serves until it is killed. */
const DEAF = { app: { env: { RECOVERY: 1, SHUTDOWN_MS: 600_000 } }, terminationGracePeriodSeconds: 4 };

const service = (name) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: APP_PORT }] },
});

/** Clients of the Service, in a room; each goes wherever the Service leads it, as often as it must. */
async function roamers({ ns, clients }, serviceName) {
  const { spec } = await ns.get("service", serviceName);
  const names = Array.from({ length: CLIENTS }, (_, i) => `roamer-${i}`);
  const url = `http://${spec.clusterIP}:${APP_PORT}`;
  await Promise.all(names.map((name) => clients.connect(name, url, { again: true, room: ROOM })));
  return names;
}

/** Why a pod's sidecar has refused sessions. */
async function refusals(clients, pod) {
  const lines = (await clients.sidecarMetrics(pod)).split("\n");
  const told = lines.filter((line) => line.startsWith("socketmesh_recovery_refused") && !line.endsWith(" 0"));
  return `${pod.metadata.name}: ${told.join(", ") || "none refused"}`;
}

/** They talk while action() replaces every pod. */
async function recoveredThroughout(context, { pods, deployment, service: serviceName, action }) {
  const { ns, clients, note } = context;
  const names = await roamers(context, serviceName);
  const sleepers = names.slice(0, SLEEPERS);
  await clients.startTalk(names, ROOM);
  await sleep(1000); // a session that has seen something
  await Promise.all(sleepers.map((name) => clients.cut(name)));
  const started = Date.now();
  await action();
  await ns.kubectl(["rollout", "status", `deployment/${deployment}`, "--timeout=60s"]);
  const old = new Set(uids(pods));
  const renewed = await until("every old pod to be gone", async () => {
    const all = await ns.list("pods", SELECTOR); // those that end, too
    want(all.every(({ metadata }) => !old.has(metadata.uid)), "one is still there");
    return all;
  });
  note(`rolled in ${((Date.now() - started) / 1000).toFixed(0)}s`);
  await converged(clients, renewed);
  await Promise.all(sleepers.map((name) => clients.back(name)));
  const account = await clients.settleTalk();
  const { returns } = account;
  const afresh = returns.filter(({ recovered }) => !recovered);
  // Who began anew lacks what was said meanwhile: that explains losses, and no session has a hole.
  if (afresh.length > 0) {
    const refused = await Promise.all(renewed.map((pod) => refusals(clients, pod)));
    note(`${afresh.length} of ${returns.length} returns began anew: ${JSON.stringify(afresh)}; ${refused.join("; ")}`);
  }
  note(nothingLost(account));
  want(afresh.length === 0, () => `${afresh.length} of ${returns.length} returns began anew: ${JSON.stringify(afresh[0])}`);
  for (const name of names) want(returns.some((each) => each.name === name), () => `${name} never lost its pod`);
  const away = returns.filter(({ name }) => !sleepers.includes(name)).map(({ awayMs }) => awayMs).sort((a, b) => a - b);
  note(`${returns.length} returns, all recovered, ${SLEEPERS} of them by clients that were away while all pods went; ` +
    `the others were away for ${away[away.length >> 1]} ms (median), ${away.at(-1)} at most`);
}

export const cases = [
  {
    name: "clients recover while a Deployment is restarted",
    async run(context) {
      const { ns, clients } = context;
      await startLabelledMesh(context, { recovery: {} });
      await ns.apply([service("plain"), labelledDeployment("plain", { replicas: PODS, app: WITH_RECOVERY })]);
      const pods = await ns.readyPods(SELECTOR, PODS);
      await converged(clients, pods);
      await recoveredThroughout(context, {
        ...{ pods, deployment: "plain", service: "plain" },
        action: () => ns.kubectl(["rollout", "restart", "deployment/plain"]),
      });
    },
  },
  {
    name: "clients recover while the operator renews sidecars, and apps are killed",
    async run(context) {
      const { ns } = context;
      const spec = { template: podTemplate(DEAF), recovery: { window: "90s" } };
      const pods = await startMesh(context, PODS, spec);
      await recoveredThroughout(context, {
        ...{ pods, deployment: MESH, service: MESH },
        async action() {
          const { metadata: { generation } } = await ns.get("deployment", MESH);
          await ns.patch("smesh", MESH, { spec: { recovery: { window: "2m" } } });
          await until("the new configuration in the Deployment", async () => {
            const { metadata } = await ns.get("deployment", MESH);
            want(metadata.generation > generation, "it is the old one");
          });
        },
      });
    },
  },
];

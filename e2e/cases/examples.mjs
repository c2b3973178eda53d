// The examples run, with nothing replaced but the names of their images. Their clients are the lab's: those
// of the chat's page.

import { applyExample, provideVolumes } from "../lib/examples.mjs";
import { containerStatuses, isReady, restarts } from "../lib/kube.mjs";
import { APP_PORT } from "../lib/clients.mjs";
import { SELECTOR } from "../lib/meshes.mjs";
import { killContainer } from "../lib/node.mjs";
import { sleep, until, want } from "../lib/wait.mjs";

const PODS = 3;
const USERS = 6;
const TALK = { rate: 4, speakers: USERS, bytes: 100 };
const CHAT_IMAGE = "localhost/lab-chat:e2e";
const labels = { "pod-security.kubernetes.io/enforce": "restricted" };

/** The lab's clients, from a package whose dependencies only a cluster of ours has built. */
async function crowdOf({ ns, cleanup }) {
  const { Crowd } = await import("../../lab/child/crowd.mjs");
  const crowd = new Crowd(ns.name);
  cleanup(async () => crowd.close());
  const { spec } = await ns.get("service", "chat");
  const url = `http://${spec.clusterIP}:${APP_PORT}`;
  return Object.assign(crowd, {
    enter: (options) => crowd.open({ url, transports: ["websocket"], ...options }),
  });
}

/** Three servers that count each other. */
async function readyChat({ ns, clients }) {
  const pods = await ns.readyPods(SELECTOR, PODS);
  await until("the servers to know each other", async () => {
    for (const { servers, name } of await healths(clients, pods)) {
      want(servers === PODS, () => `${name} counts ${servers}`);
    }
  });
  return pods;
}

function healths(clients, pods) {
  return Promise.all(pods.map(async ({ status }) =>
    JSON.parse(await clients.get(`http://${status.podIP}:${APP_PORT}/healthz`))));
}

/** Ends the talk; nothing that was confirmed may be missing anywhere. Returns the lab's measures. */
async function nothingMissing(crowd) {
  const { measure } = await import("../../lab/lib/tally.mjs");
  crowd.hush();
  await until("all to be said and heard", async () => {
    const left = crowd.outstanding();
    want(Object.values(left).every((count) => count === 0), () => JSON.stringify(left));
  }, { timeoutMs: 40_000 });
  const found = measure(crowd.collect());
  const { sent, due, missing, historyMissing, duplicated, outOfOrder, unconfirmed, neverBack, usersWrong } = found;
  const bad = { missing, historyMissing, duplicated, outOfOrder, unconfirmed, neverBack, usersWrong };
  want(Object.values(bad).every((count) => count === 0), () => `of ${due} deliveries: ${JSON.stringify(bad)}`);
  want(sent > 0 && due > sent, "nothing was said");
  return found;
}

/** SIGKILL to all of a pod at once; resolves when the kubelet has put it up again. */
async function killPod(ns, pod) {
  const names = containerStatuses(pod).map(({ name }) => name);
  await Promise.all(names.map((name) => killContainer(pod, name)));
  await until(`${pod.metadata.name} to be back`, async () => {
    const now = await ns.get("pod", pod.metadata.name);
    want(names.every((name) => restarts(now, name) > 0) && isReady(now), "it is not");
  }, { timeoutMs: 60_000 });
}

function stopwatch(note) {
  let since = Date.now();
  return (what) => {
    note(`${what}: ${((Date.now() - since) / 1000).toFixed(0)}s`);
    since = Date.now();
  };
}

const HISTORY = ["history-0", "history-1"];

/** What a node of the database says to a query, by its superuser. */
async function psql(ns, node, query) {
  const text = await ns.kubectl(["exec", node, "-c", "server", "--",
    "psql", "-h", "/node/pg", "-U", "postgres", "-d", "chat", "-Atc", query]);
  return text.trim();
}

/** The node that leads, with a replica that each confirmation waits for. Throws while there is none. */
async function leaderOf(ns) {
  const ask = "select not pg_is_in_recovery(), (select string_agg(sync_state, ',') from pg_stat_replication)";
  const said = await Promise.all(HISTORY.map((node) => psql(ns, node, ask).catch(() => "nothing")));
  const leaders = HISTORY.filter((_, i) => said[i] === "t|sync");
  want(leaders.length === 1, () => HISTORY.map((node, i) => `${node} says ${said[i]}`).join(", "));
  return leaders[0];
}

async function readyHistory(ns) {
  await ns.readyPods("app=history", HISTORY.length);
  return until("a primary with a synchronous replica", () => leaderOf(ns), { timeoutMs: 60_000, pauseMs: 250 });
}

const otherThan = (node) => HISTORY.find((one) => one !== node);

async function restart(ns, node) {
  await ns.delete("pod", node);
  return readyHistory(ns);
}

/** The primary's pod is gone until the other node leads; then it comes back, and is its replica. */
async function failOver(ns, primary) {
  const replica = otherThan(primary);
  await withoutNewPods(ns, async () => {
    await ns.delete("pod", primary);
    await until(`${replica} to be promoted`, async () =>
      want((await psql(ns, replica, "select pg_is_in_recovery()")) === "f", "it is a replica"));
  });
  const leader = await readyHistory(ns);
  want(leader === replica, () => `${leader} leads`);
}

/** Every pod hears the others by the mesh, and clients were given their history by the replica. */
async function carriedAndRead({ clients }, pods) {
  for (const pod of pods) {
    const { counters } = await clients.sidecarStatus(pod);
    want(counters.link_messages_in > 0, () => `nothing came to ${pod.metadata.name} by the mesh`);
  }
  const read = (await healths(clients, pods)).map(({ history }) => history.fromReplica);
  want(read.some((count) => count > 0), "nobody has read the replica");
}

/** No pod can be made while action() runs, as if the machine of those that go were gone. */
async function withoutNewPods(ns, action) {
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "none" }, spec: { hard: { pods: "0" } } };
  await ns.apply(quota);
  await until("the quota to count", async () => want((await ns.get("quota", "none")).status.hard, "not yet"));
  await action();
  await ns.delete("quota", "none");
}

export const cases = [
  {
    name: "the example of a chat",
    ownCluster: true,
    labels,
    async run(context) {
      const { ns, note } = context;
      await applyExample(ns, "chat.yaml", { "registry.example/chat:1": CHAT_IMAGE });
      await readyChat(context);
      const crowd = await crowdOf(context);
      const servers = await crowd.enter({ count: USERS });
      crowd.begin();
      crowd.talk(TALK);
      await sleep(2000);
      const { sent, due } = await nothingMissing(crowd);
      note(`${sent} said on ${new Set(servers).size} pods, ${due} deliveries, none missing`);
    },
  },
  {
    name: "the example of a chat with its history in postgres",
    ownCluster: true,
    labels,
    timeoutS: 240,
    async run(context) {
      const { ns, note } = context;
      await provideVolumes(context, HISTORY.map((name) => `node-${name}`));
      await ns.kubectl(["create", "secret", "generic", "chat-history", "--from-literal=password=e2e"]);
      await applyExample(ns, "chat-history.yaml", {
        "registry.example/lab-chat:1": CHAT_IMAGE,
        "registry.example/lab-postgres:1": "localhost/lab-postgres:e2e",
      });
      const [pods, first] = await Promise.all([readyChat(context), readyHistory(ns)]);
      const crowd = await crowdOf(context);
      await crowd.enter({ count: USERS });
      await crowd.enter({ count: 1, group: "away", wire: true });
      crowd.begin();
      crowd.talk(TALK);
      await sleep(1000);
      await carriedAndRead(context, pods);

      crowd.sever(); // for as long as all this takes
      const step = stopwatch(note);
      await Promise.all([killPod(ns, pods[0]), restart(ns, otherThan(first))]);
      step("a chat pod killed, the replica restarted");
      const leader = await restart(ns, first);
      step("the primary restarted");
      await failOver(ns, leader);
      step("the primary gone, and back as the replica");
      crowd.mend();
      await crowd.enter({ count: 1, users: 0, group: "newcomer", history: true });
      const { sent, due, historyDue } = await nothingMissing(crowd);
      note(`${sent} said, ${due} deliveries, ${historyDue} of them history for who came last: none missing`);
      const kept = "select count(*), max(id), count(distinct key) from messages";
      for (const node of HISTORY) {
        await until(`all of it on ${node}`, async () => {
          const found = await psql(ns, node, kept);
          want(found === [sent, sent, sent].join("|"), () => `${found} of ${sent}`);
        });
      }
    },
  },
];

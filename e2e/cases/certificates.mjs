// Certificates change under traffic, and nobody without one gets in.

import { createHash } from "node:crypto";
import { Authority, byHand, discovery, tlsSecret } from "../lib/by-hand.mjs";
import { clientOnEach, converged, nothingCut, nothingLost } from "../lib/chat.mjs";
import { MESH, SELECTOR, startMesh } from "../lib/meshes.mjs";
import { sleep, stays, until, want } from "../lib/wait.mjs";

const TLS_SECRET = `${MESH}-mesh-tls`;
/** A changed Secret takes up to 79 s to reach a pod; a root rotation waits for that twice. */
const LEAF_MS = 150_000;
const ROOT_MS = 320_000;

const decoded = (secret, key) => Buffer.from(secret.data[key], "base64").toString();
const roots = (bundle) => bundle.split("-----BEGIN CERTIFICATE-----").length - 1;
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

export const cases = [
  {
    name: "forced leaf rotation under traffic",
    timeoutS: 240,
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      const before = await Promise.all(pods.map((pod) => clients.sidecarStatus(pod)));
      const old = await ns.get("secret", TLS_SECRET);
      const names = await clientOnEach(clients, pods);
      await clients.startTraffic(names, 50);
      await sleep(1100); // certificates' times are whole seconds, and the new leaf's must be another
      const started = Date.now();
      await ns.kubectl(["annotate", "smesh", MESH, "socketmesh.io/rotate-leaf=once"]);
      const fresh = await until("another leaf", async () => {
        const secret = await ns.get("secret", TLS_SECRET);
        want(decoded(secret, "tls.crt") !== decoded(old, "tls.crt"), "it is the old one");
        return secret;
      });
      want(decoded(fresh, "ca.crt") === decoded(old, "ca.crt"), "the root changed, too");
      await until("every sidecar to have it", async () => {
        const now = await Promise.all(pods.map((pod) => clients.sidecarStatus(pod)));
        now.forEach(({ tls }, i) =>
          want(tls.leaf_not_after > before[i].tls.leaf_not_after, () => `${names[i]} has the old one`));
      }, { timeoutMs: LEAF_MS, pauseMs: 500 });
      note(`everywhere after ${((Date.now() - started) / 1000).toFixed(0)}s`);
      note(nothingLost(await clients.settleTraffic()));
      await nothingCut(clients, pods, before);
      // One token, one rotation.
      const resource = (await ns.get("secret", TLS_SECRET)).data["tls.crt"];
      await ns.kubectl(["annotate", "smesh", MESH, "example.com/unrelated=1"]);
      await stays("the leaf", async () => {
        want((await ns.get("secret", TLS_SECRET)).data["tls.crt"] === resource, "it was rotated again");
      }, { forMs: 3000, pauseMs: 500 });
    },
  },
  {
    name: "forced root rotation under traffic",
    timeoutS: 420,
    async run(context) {
      const { ns, clients, note } = context;
      const pods = await startMesh(context, 3);
      const before = await Promise.all(pods.map((pod) => clients.sidecarStatus(pod)));
      const old = decoded(await ns.get("secret", TLS_SECRET), "ca.crt");
      want(roots(old) === 1, () => `it begins with ${roots(old)} roots`);
      await clients.startTraffic(await clientOnEach(clients, pods), 100);
      const started = Date.now();
      await ns.kubectl(["annotate", "smesh", MESH, "socketmesh.io/rotate-root=once"]);
      const phases = [];
      await until("one new root, everywhere", async () => {
        const { status } = await ns.get("smesh", MESH);
        const { phase } = status.certificates;
        if (phases.at(-1)?.phase !== phase) phases.push({ phase, after: Math.round((Date.now() - started) / 1000) });
        const bundle = decoded(await ns.get("secret", TLS_SECRET), "ca.crt");
        want(phase === "Stable" && bundle !== old && roots(bundle) === 1, () => `${phase}, ${roots(bundle)} roots`);
        for (const pod of pods) {
          const { tls } = await clients.sidecarStatus(pod);
          want(tls.bundle_sha256 === sha256(bundle), () => `${pod.metadata.name} has another bundle`);
        }
      }, { timeoutMs: ROOT_MS, pauseMs: 250 });
      const order = phases.map(({ phase }) => phase).filter((phase) => phase !== "Stable");
      note(phases.map(({ phase, after }) => `${phase} ${after}s`).join(", "));
      want(order.join() === "Distribute,Sign,CleanUp", () => `the phases were ${order}`);
      note(nothingLost(await clients.settleTraffic()));
      await nothingCut(clients, pods, before);
      // A pod that comes now has only ever seen the new root, and is one of them.
      await ns.kubectl(["scale", `smesh/${MESH}`, "--replicas=4"]);
      await converged(clients, await ns.readyPods(SELECTOR, 4));
    },
  },
  {
    name: "a stranger's link is refused",
    async run(context) {
      const { ns, clients, note, cleanup } = context;
      const pods = await startMesh(context, 2);
      // A sidecar that calls its mesh the same, and even its SAN, but another CA signed that.
      const authority = await Authority.create(ns.name, MESH);
      cleanup(() => authority.remove());
      const stranger = byHand(MESH, {
        replicas: 1,
        secret: "stranger-tls",
        name: "stranger",
        peers: discovery.static(pods.map((pod) => `${pod.status.podIP}:7400`)),
      });
      await ns.apply([tlsSecret("stranger-tls", await authority.leaf()), ...stranger]);
      const [pod] = await ns.readyPods("app=stranger", 1);
      const dialled = await until("it to have tried", async () => {
        const { links, addresses, counters } = await clients.sidecarStatus(pod);
        want(counters.dials_failed >= 4, () => `${counters.dials_failed} failed dials`);
        want(links.every(({ state }) => state !== "linked"), () => JSON.stringify(links));
        return addresses;
      });
      note(`it is told: ${dialled.find(({ last_error }) => last_error)?.last_error}`);
      const { peers } = await clients.appState(pod);
      want(peers.length === 0, () => `it has peers: ${JSON.stringify(peers)}`);
      await converged(clients, pods);
    },
  },
];

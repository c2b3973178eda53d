// What people see: kubectl's tables, Prometheus, the dashboard, the alerts.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { clientOnEach } from "../lib/chat.mjs";
import { kubectl } from "../lib/kube.mjs";
import { MESH, SELECTOR, startMesh } from "../lib/meshes.mjs";
import { Operator } from "../lib/operator.mjs";
import { Prometheus } from "../lib/prometheus.mjs";
import { sleep, until, want } from "../lib/wait.mjs";

const chart = (file) => fileURLToPath(new URL(`../../charts/socketmesh/files/${file}`, import.meta.url));
/** Queries about what has not happened here have no series to tell of it: these may be empty. */
const MAY_BE_EMPTY = [/state!="linked"/, /status!="True"/, /messages_dropped/, /connections_cut/, /_recovery_/];

async function dashboardQueries() {
  const found = [];
  const walk = (panels) => panels.forEach(({ title, targets = [], panels: inner = [] }) => {
    found.push(...targets.map(({ expr }) => ({ title, expr })));
    walk(inner);
  });
  walk(JSON.parse(await readFile(chart("dashboard.json"), "utf8")).panels);
  return found;
}

/** What the Prometheus operator brings, as far as this operator looks at it. */
const POD_MONITORS = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "podmonitors.monitoring.coreos.com" },
  spec: {
    group: "monitoring.coreos.com",
    scope: "Namespaced",
    names: { plural: "podmonitors", singular: "podmonitor", kind: "PodMonitor", listKind: "PodMonitorList" },
    versions: [{
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    }],
  },
};

export const cases = [
  {
    name: "a PodMonitor, once there is such a kind, and an Ingress",
    alone: true,
    ownCluster: true, // somebody else's may have the kind already, and it goes in the end
    expectErrors: [/"watch troubled","resource":"podmonitors"/], // while the kind goes
    async run(context) {
      const { ns, note, cleanup } = context;
      const operator = new Operator();
      await startMesh(context, 1, {
        ingress: { host: "chat.example.com", className: "none" },
        monitoring: { podMonitor: true, labels: { release: "prometheus" } },
      });
      await ns.whenCondition("smesh", MESH, "Ready", "True"); // also without the kind
      const ingress = await ns.get("ingress", MESH);
      const [{ host, http }] = ingress.spec.rules;
      want(host === "chat.example.com", () => JSON.stringify(ingress.spec));
      want(http.paths[0].backend.service.name === MESH, () => JSON.stringify(http));

      await ns.apply(POD_MONITORS);
      const drop = () => kubectl(["delete", "crd", POD_MONITORS.metadata.name]);
      let kept = true;
      cleanup(async () => { if (kept) await drop(); });
      await kubectl(["wait", "--for=condition=Established", `crd/${POD_MONITORS.metadata.name}`, "--timeout=20s"]);
      // It is looked for every ten minutes, and by each new leader.
      const [deployment] = await operator.ns.list("deployments");
      const restart = async () => {
        await operator.ns.kubectl(["rollout", "restart", `deployment/${deployment.metadata.name}`]);
        await operator.ns.kubectl(["rollout", "status", `deployment/${deployment.metadata.name}`, "--timeout=60s"]);
      };
      await restart();
      const monitor = await until("the PodMonitor", () => ns.get("podmonitor", `${MESH}-mesh`), { timeoutMs: 60_000 });
      want(monitor.metadata.labels.release === "prometheus", () => JSON.stringify(monitor.metadata.labels));
      const [endpoint] = monitor.spec.podMetricsEndpoints;
      note(`its endpoint: ${JSON.stringify(endpoint)}`);
      const [pod] = await ns.pods(SELECTOR);
      const ports = pod.spec.initContainers[0].ports.map(({ name }) => name);
      want(ports.includes(endpoint.port), () => `no port of the sidecar is ${endpoint.port}: ${ports}`);

      await ns.delete("podmonitor", `${MESH}-mesh`);
      await until("the deleted one to be back", () => ns.get("podmonitor", `${MESH}-mesh`));
      await ns.patch("smesh", MESH, { spec: { monitoring: { podMonitor: false }, ingress: null } });
      await until("both to go", async () => {
        want(!(await ns.exists("podmonitor", `${MESH}-mesh`)), "the PodMonitor is there");
        want(!(await ns.exists("ingress", MESH)), "the Ingress is there");
      });
      // The kind goes before its watchers would: they start again without it.
      kept = false;
      await drop();
      await restart();
      await ns.whenCondition("smesh", MESH, "Ready", "True");
    },
  },
  {
    name: "kubectl get and describe read well",
    async run(context) {
      const { ns, note } = context;
      await startMesh(context, 2);
      for (const type of ["Ready", "MeshConverged"]) await ns.whenCondition("smesh", MESH, type, "True");
      const line = await until("the table to say 2 of everything", async () => {
        const [head, row] = (await ns.kubectl(["get", "smesh"])).trim().split("\n");
        want(/^NAME +DESIRED +READY +MEMBERS +CONVERGED +AGE/.test(head), () => head);
        want(/^chat +2 +2 +2 +True +\d+/.test(row), () => row);
        return row;
      });
      note(line);
      const text = await ns.kubectl(["describe", "smesh", MESH]);
      for (const word of ["Conditions:", "Observed Generation", "Sidecar Revision", "Events:"]) {
        want(text.includes(word), () => `describe does not say '${word}'`);
      }
      const explained = await ns.kubectl(["explain", "smesh.spec.tls.rotateAfter"]);
      want(/DESCRIPTION:\s+\S+/.test(explained), () => explained);
    },
  },
  {
    name: "Prometheus, the dashboard's queries, the alerts",
    ownCluster: true,
    async run(context) {
      const { ns, clients, note, cleanup } = context;
      const pods = await startMesh(context, 2);
      await ns.whenCondition("smesh", MESH, "MeshConverged", "True");
      const prometheus = new Prometheus();
      await prometheus.start(pods, await new Operator().pods(), chart("alerts.yaml"));
      cleanup(() => prometheus.stop());
      await clients.startTraffic(await clientOnEach(clients, pods));
      await until("every target to be up", async () => {
        const targets = await prometheus.targets();
        const down = targets.filter(({ health }) => health !== "up");
        want(down.length === 0, () => down.map(({ scrapeUrl, lastError }) => `${scrapeUrl}: ${lastError}`).join("; "));
        want(targets.filter(({ labels }) => labels.job === "socketmesh").length === 2, "not both sidecars");
        want(targets.some(({ labels }) => labels.job === "operator"), "no operator");
      });
      await sleep(5000); // rates need a few scrapes
      const queries = await dashboardQueries();
      const empty = [];
      for (const { title, expr } of queries) {
        const filled = expr.replaceAll("$namespace", ".*").replaceAll("$mesh", ".*")
          .replaceAll("$__rate_interval", "10s");
        const result = await prometheus.query(filled);
        if (result.length === 0 && !MAY_BE_EMPTY.some((pattern) => pattern.test(expr))) empty.push(`${title}: ${filled}`);
      }
      want(empty.length === 0, () => `without an answer: ${empty.join("\n        ")}`);
      const rules = await prometheus.rules();
      const bad = rules.filter(({ health, state }) => health !== "ok" || state === "firing");
      want(bad.length === 0, () => bad.map(({ name, state, lastError }) => `${name}: ${state} ${lastError}`).join("; "));
      note(`${queries.length} queries answered, ${rules.length} alert rules evaluated, none firing`);
      await clients.settleTraffic();
    },
  },
];

// Every combination of the chart's switches renders into objects that fit together.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { chart, find, helm, refusal, releaseNamespace, render, root } from "../support/helm.mjs";

const switches = {
  "crds.enabled": [true, false],
  "sidecarRole.create": [true, false],
  "webhook.enabled": [true, false],
  watchNamespaces: [[], ["one", "two"]],
  replicas: [1, 2],
  "serviceAccount.create": [true, false],
  "networkPolicy.enabled": [true, false],
  "monitoring.podMonitor.enabled": [true, false],
  "monitoring.rules.enabled": [true, false],
  "monitoring.dashboard.enabled": [true, false],
};

function assign(values, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  let target = values;
  for (const key of keys) target = target[key] ??= {};
  target[last] = value;
}

// Each pair of switches in all four ways, the others as given by `base`: the interactions.
function* combinations() {
  const paths = Object.keys(switches);
  for (const base of [0, 1]) {
    for (let first = 0; first < paths.length; first++) {
      for (let second = first + 1; second < paths.length; second++) {
        const values = {};
        paths.forEach((path, index) => {
          const other = index === first || index === second;
          assign(values, path, switches[path][other ? 1 - base : base]);
        });
        yield values;
      }
    }
  }
}

function check(values, objects) {
  const seen = new Set();
  for (const object of objects) {
    assert.ok(object.apiVersion && object.kind && object.metadata?.name, JSON.stringify(object));
    const key = `${object.kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    assert.ok(!seen.has(key), `${key} twice`);
    seen.add(key);
    assert.equal(object.metadata.labels["app.kubernetes.io/instance"], "mesh", key);
  }
  const deployment = find(objects, "Deployment");
  const pod = deployment.spec.template;
  for (const [label, value] of Object.entries(deployment.spec.selector.matchLabels)) {
    assert.equal(pod.metadata.labels[label], value);
  }
  assert.equal(Boolean(find(objects, "CustomResourceDefinition")), values.crds.enabled);
  assert.equal(Boolean(find(objects, "MutatingWebhookConfiguration")), values.webhook.enabled);
  assert.equal(Boolean(find(objects, "ClusterRole", "socketmesh-sidecar")), values.sidecarRole.create);
  assert.equal(Boolean(find(objects, "PodDisruptionBudget")), values.replicas > 1);
  assert.equal(Boolean(find(objects, "NetworkPolicy")), values.networkPolicy.enabled);
  assert.equal(Boolean(find(objects, "ServiceAccount")), values.serviceAccount.create);
  assert.ok(pod.spec.containers[0].args.includes(values.webhook.enabled ? "--webhook" : "--no-webhook"));

  const account = pod.spec.serviceAccountName;
  const bindings = objects.filter((object) => /^(Cluster)?RoleBinding$/.test(object.kind));
  for (const binding of bindings) {
    assert.deepEqual(binding.subjects.map((subject) => [subject.name, subject.namespace]), [[account, releaseNamespace]]);
    const role = find(objects, binding.roleRef.kind, binding.roleRef.name);
    assert.ok(role, `${binding.metadata.name} binds ${binding.roleRef.name}, which is not there`);
  }
  const clusterWide = bindings.filter((binding) => binding.kind === "ClusterRoleBinding").map((b) => b.metadata.name);
  const expected = [];
  if (!values.watchNamespaces.length) expected.push("socketmesh-operator");
  if (values.webhook.enabled) expected.push("socketmesh-injector");
  assert.deepEqual(clusterWide.sort(), expected.sort());
}

test("every pair of switches, both ways", () => {
  let count = 0;
  for (const values of combinations()) {
    check(values, render(values));
    count++;
  }
  assert.equal(count, 90);
});

test("helm lint has nothing to say", () => {
  const said = helm(["lint", "--strict", chart]);
  assert.match(said, /0 chart\(s\) failed/);
  assert.doesNotMatch(said, /\[(WARNING|ERROR)\]/);
});

test("the operator's pod meets PSS restricted, and has nothing it does not need", () => {
  const { spec } = find(render(), "Deployment").spec.template;
  assert.equal(spec.securityContext.runAsNonRoot, true);
  assert.equal(spec.securityContext.seccompProfile.type, "RuntimeDefault");
  for (const container of spec.containers) {
    assert.equal(container.securityContext.allowPrivilegeEscalation, false);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(container.securityContext.capabilities, { drop: ["ALL"] });
    assert.ok(container.resources.requests.cpu && container.resources.requests.memory);
    assert.ok(container.resources.limits.memory);
  }
  assert.ok(!spec.hostNetwork && !spec.volumes);
});

test("rights: Secrets are never listed or watched, nothing is escalated, no wildcards", () => {
  for (const values of [{}, { watchNamespaces: ["one"] }]) {
    const roles = render(values).filter((object) => /^(Cluster)?Role$/.test(object.kind));
    assert.ok(roles.length >= 3);
    for (const role of roles) {
      for (const rule of role.rules) {
        assert.ok(![...rule.verbs, ...rule.resources, ...rule.apiGroups].includes("*"), role.metadata.name);
        assert.ok(!rule.verbs.includes("escalate") && !rule.verbs.includes("impersonate"));
        if (rule.resources.includes("secrets")) {
          assert.ok(!rule.verbs.some((verb) => ["list", "watch", "deletecollection"].includes(verb)));
        }
        if (rule.verbs.includes("bind")) assert.deepEqual(rule.resourceNames, ["socketmesh-sidecar"]);
      }
    }
  }
});

test("the injector leaves out its own pods and namespaces, and never blocks by default", () => {
  const objects = render({ webhook: { excludedNamespaces: ["legacy"] }, watchNamespaces: ["one"] });
  const [webhook] = find(objects, "MutatingWebhookConfiguration").webhooks;
  assert.equal(webhook.failurePolicy, "Ignore");
  assert.equal(webhook.timeoutSeconds, 2);
  assert.equal(webhook.reinvocationPolicy, "IfNeeded");
  assert.equal(webhook.clientConfig.caBundle, undefined);
  assert.deepEqual(webhook.namespaceSelector.matchExpressions, [
    { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system", releaseNamespace, "legacy"] },
    { key: "kubernetes.io/metadata.name", operator: "In", values: ["one"] },
  ]);
  assert.deepEqual(webhook.objectSelector.matchExpressions.map((e) => [e.key, e.operator]), [
    ["socketmesh.io/mesh", "Exists"],
    ["socketmesh.io/managed", "DoesNotExist"],
  ]);
  const service = find(objects, "Service", webhook.clientConfig.service.name);
  assert.equal(service.spec.ports[0].port, webhook.clientConfig.service.port);
});

test("the resource definition is the repository's, and outlives the release", () => {
  const crd = find(render(), "CustomResourceDefinition");
  assert.equal(crd.metadata.annotations["helm.sh/resource-policy"], "keep");
  const source = parse(readFileSync(`${root}crds/socketmeshes.socketmesh.io.yaml`, "utf8"));
  assert.deepEqual(crd.spec, source.spec);
});

test("values that can't be meant are refused, with their path", () => {
  const wrong = [
    [{ replicas: 0 }, /replicas/],
    [{ replica: 2 }, /replica/],
    [{ log: { level: "loud" } }, /log[./]level/],
    [{ webhook: { failurePolicy: "Maybe" } }, /failurePolicy/],
    [{ webhook: { timeoutSeconds: 31 } }, /timeoutSeconds/],
    [{ watchNamespaces: ["Upper"] }, /watchNamespaces/],
    [{ image: { pullPolicy: "Sometimes" } }, /pullPolicy/],
    [{ monitoring: { rules: { on: true } } }, /rules/],
  ];
  for (const [values, message] of wrong) {
    const said = refusal(values);
    assert.match(said ?? `${JSON.stringify(values)} was taken`, message);
    assert.match(said, /values don't meet the specifications of the schema/);
  }
});

test("every value is described by the schema, and the reverse", () => {
  const values = parse(readFileSync(`${chart}/values.yaml`, "utf8"));
  const schema = JSON.parse(readFileSync(`${chart}/values.schema.json`, "utf8"));
  const compare = (value, node, path) => {
    const resolved = node.$ref ? schema.definitions[node.$ref.split("/").pop()] : node;
    if (!resolved.properties) return;
    const known = Object.keys(resolved.properties).filter((key) => key !== "global");
    assert.deepEqual(Object.keys(value).sort(), known.sort(), path || "values");
    for (const key of known) compare(value[key], resolved.properties[key], `${path}.${key}`);
  };
  compare(values, schema, "");
});

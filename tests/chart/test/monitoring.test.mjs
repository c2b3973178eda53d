// The alert rules by promtool, and the dashboard's queries against what is exported.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { chart, find, render, root } from "../support/helm.mjs";

const rules = `${chart}/files/alerts.yaml`;
const dashboard = JSON.parse(readFileSync(`${chart}/files/dashboard.json`, "utf8"));

function promtool(...args) {
  return execFileSync("promtool", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("alert rules are valid, and fire when they should", () => {
  promtool("check", "rules", rules);
  promtool("test", "rules", `${root}tests/chart/alerts.test.yaml`);
});

test("every alert has a scenario in which it fires, and one in which it does not", () => {
  const names = parse(readFileSync(rules, "utf8")).groups.flatMap((group) => group.rules.map((rule) => rule.alert));
  const cases = parse(readFileSync(`${root}tests/chart/alerts.test.yaml`, "utf8")).tests.flatMap(
    (scenario) => scenario.alert_rule_test,
  );
  for (const name of names) {
    const of = cases.filter((entry) => entry.alertname === name);
    assert.ok(of.some((entry) => entry.exp_alerts?.length), `${name} never fires in a scenario`);
    assert.ok(of.some((entry) => !entry.exp_alerts?.length), `${name} always fires`);
  }
});

test("the PrometheusRule holds the same rules", () => {
  const objects = render({ monitoring: { rules: { enabled: true, labels: { release: "p" } } } });
  const rule = find(objects, "PrometheusRule");
  assert.equal(rule.metadata.labels.release, "p");
  assert.deepEqual(rule.spec, parse(readFileSync(rules, "utf8")));
});

test("the dashboard's ConfigMap holds the dashboard", () => {
  const map = find(render({ monitoring: { dashboard: { enabled: true } } }), "ConfigMap");
  assert.equal(map.metadata.labels.grafana_dashboard, "1");
  assert.deepEqual(JSON.parse(map.data["socketmesh.json"]), dashboard);
});

test("panels lie beside each other, each with a query, an id of its own and a unit", () => {
  const ids = new Set();
  const cells = new Set();
  for (const panel of dashboard.panels) {
    assert.ok(!ids.has(panel.id));
    ids.add(panel.id);
    const { x, y, w, h } = panel.gridPos;
    assert.ok(x + w <= 24, panel.title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert.ok(!cells.has(`${column},${line}`), `${panel.title} lies over another`);
        cells.add(`${column},${line}`);
      }
    }
    if (panel.type === "row") continue;
    assert.ok(panel.targets.length && panel.fieldConfig.defaults.unit, panel.title);
  }
});

test("every metric of ours that is asked for is documented", () => {
  const page = ["metrics", "operator", "configuration"]
    .map((name) => readFileSync(`${root}docs/${name}.md`, "utf8"))
    .join("\n");
  const queries = [readFileSync(rules, "utf8"), ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))];
  const names = new Set(queries.join("\n").match(/\bsocketmesh_\w+/g));
  assert.ok(names.size >= 30);
  const known = (name) => [name, name.replace(/_(bucket|sum|count)$/, "")].some((each) => page.includes(`\`${each}\``));
  assert.deepEqual([...names].filter((name) => !known(name)), []);
});

test("every query is PromQL", () => {
  const queries = dashboard.panels.flatMap((panel) => (panel.targets ?? []).map((target) => target.expr));
  assert.ok(queries.length > 30);
  const groups = queries.map((expr, index) => ({
    record: `q${index}`,
    expr: expr.replaceAll("$__rate_interval", "1m").replaceAll(/\$(namespace|mesh)/g, ".*"),
  }));
  const folder = mkdtempSync(join(tmpdir(), "socketmesh-queries-"));
  try {
    writeFileSync(join(folder, "rules.yaml"), JSON.stringify({ groups: [{ name: "queries", rules: groups }] }));
    assert.match(promtool("check", "rules", join(folder, "rules.yaml")), new RegExp(`${queries.length} rules found`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

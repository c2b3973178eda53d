import assert from "node:assert/strict";
import { test } from "node:test";
import { CASES } from "../cases.mjs";
import { escape, time, title } from "../lib/report/html.mjs";
import { page } from "../lib/report/page.mjs";
import { headline, sentence } from "../lib/report/words.mjs";
import { summary } from "../lib/report/write.mjs";
import { judged } from "../lib/run_case.mjs";
import { SYSTEMS } from "../systems.mjs";
import { record } from "./record.mjs";

const [delivery] = CASES;
const [foreign, , , , ours] = SYSTEMS;
const run = (system, change = () => {}) => {
  const whole = { ...record(), system: system.name };
  change(whole);
  return judged(whole, system, delivery);
};
const lossy = () => run(foreign, (r) => (r.receipts[2] = r.receipts[2].slice(2)));
const report = (runs) => ({
  runs,
  systems: SYSTEMS,
  cases: [delivery],
  environment: { machine: { cpu: "<cpu>", cores: 2 }, versions: { node: "20" } },
  date: "2026-01-01 00:00",
  took_s: 61,
});
const written = (runs) => page(report(runs.map(summary)), { style: "", script: "" });

test("text is never markup", () => {
  assert.equal(escape(`<b a="1">'&`), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;");
  assert.equal(title("5 s & more"), "5&nbsp;s &amp; more");
  const html = written([{ system: foreign.name, case: "delivery", verdict: "failed", reason: "<script>no</script>" }]);
  assert.ok(!html.includes("<script>no") && html.includes("&lt;cpu&gt;"));
});

test("times as people say them", () => {
  assert.deepEqual([0.44, 9.96, 340.4, 4123, NaN].map(time), ["0.4 ms", "10 ms", "340 ms", "4.1 s", "–"]);
});

test("a run in its cell and in a sentence", () => {
  assert.deepEqual(headline(run(ours), delivery), ["all 8", "p99 5 ms"]);
  const bad = lossy();
  assert.equal(bad.verdict, "finding");
  assert.deepEqual(headline(bad, delivery), ["2 lost", "p99 5 ms"]);
  assert.match(sentence(bad), /^2 of 8 deliveries never came: 2 messages, 1 client\.$/);
});

test("the page has every run, its plot, its verdict and its record", () => {
  const html = written([lossy(), run(ours)]);
  for (const name of [foreign.name, ours.name]) {
    assert.ok(html.includes(`id="delivery--${name}"`), name);
    assert.ok(html.includes(`href="runs/${name}.delivery.json"`), name);
  }
  assert.equal(html.match(/<svg /g).length, 2);
  assert.equal(html.match(/class="lost"/g).length - 1, 1, "one slice with something lost, and the key");
  assert.ok(!/NaN|undefined|Infinity/.test(html));
});

test("runs that did not come about have their reason instead", () => {
  const html = written([{ system: foreign.name, case: "delivery", verdict: "skipped", reason: "nginx not found" }]);
  assert.ok(html.includes("nginx not found") && !html.includes("<svg"));
});

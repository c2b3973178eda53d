import assert from "node:assert/strict";
import { test } from "node:test";
import { grown, judged } from "../lib/run_case.mjs";
import { judge, verdictOf } from "../lib/verdict.mjs";
import { record } from "./record.mjs";

const EXPECTS = [{ measure: "missing", atMost: 0, because: "all" }, { measure: "p99_ms", atMost: 10, because: "soon" }];

test("an expectation holds up to its bound", () => {
  const held = (measures) => judge(EXPECTS, measures).map((result) => result.held);
  assert.deepEqual(held({ missing: 0, p99_ms: 10 }), [true, true]);
  assert.deepEqual(held({ missing: 1, p99_ms: 10.1 }), [false, false]);
});

test("what was not measured is not met", () => {
  assert.deepEqual(judge(EXPECTS, { missing: 0, p99_ms: null }).map(({ held }) => held), [true, false]);
  assert.throws(() => judge([{ measure: "beauty", atMost: 0 }], {}), /beauty/);
});

test("a foreign system's loss is a finding, ours is broken", () => {
  const results = judge(EXPECTS, { missing: 1, p99_ms: 1 });
  assert.equal(verdictOf(results, { ours: false }), "finding");
  assert.equal(verdictOf(results, { ours: true }), "broken");
  assert.equal(verdictOf(judge(EXPECTS, { missing: 0, p99_ms: 1 }), { ours: true }), "held");
});

test("a script that went wrong fails its run, whatever was measured", () => {
  const aCase = { id: "delivery", expects: [EXPECTS[0]] };
  const system = { name: "socketmesh", ours: true };
  assert.equal(judged(record(), system, aCase).verdict, "held");
  const run = judged({ ...record(), problems: ["killServer: no"] }, system, aCase);
  assert.deepEqual([run.verdict, run.reason], ["failed", "killServer: no"]);
});

test("counters are those of the run, also where a server began anew or does not answer", () => {
  const before = [{ read: 5 }, { read: 5 }, undefined, { read: 5 }];
  const after = [{ read: 7 }, { read: 2 }, { read: 1 }, undefined];
  assert.deepEqual(grown(before, after), [{ read: 2 }, { read: 2 }, { read: 1 }, undefined]);
  assert.equal(grown(undefined, undefined), undefined);
});

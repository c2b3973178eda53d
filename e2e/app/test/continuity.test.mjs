// The account must notice what it is there to notice: times are given, none pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Continuity } from "../continuity.mjs";

/** `a` has said so many, all confirmed; `a` and `b` are connected. Returns the texts too. */
function talk(said) {
  const continuity = new Continuity();
  for (const name of ["a", "b"]) continuity.up(name, false, 0);
  return { continuity, texts: Array.from({ length: said }, () => say(continuity)) };
}

function say(continuity, at = 0) {
  const { text, confirm } = continuity.next("a", at);
  confirm();
  return text;
}

function deliver(continuity, names, texts) {
  for (const name of names) for (const text of texts) continuity.received(name, text, 1);
}

function figures(continuity) {
  const { owed, lost, duplicated, misordered } = continuity.account();
  return [owed, lost, duplicated, misordered];
}

test("what all have got once and in order is owed, and nothing is lost", () => {
  const { continuity, texts } = talk(3);
  deliver(continuity, ["a", "b"], texts);
  assert.deepEqual(figures(continuity), [6, 0, 0, 0]);
});

test("a loss is counted and named, also one at the end", () => {
  const { continuity, texts } = talk(3);
  deliver(continuity, ["a"], texts);
  deliver(continuity, ["b"], texts.slice(0, 2));
  const { lost, examples } = continuity.account();
  assert.equal(lost, 1);
  const from = "life 1, new, at ? from 00:00:00.000 on";
  assert.deepEqual(examples, [{ sender: "a", life: 1, numbers: "2", said: "00:00:00.000", from, to: "b", was: [from] }]);
});

test("losses in a row are told together, with where the receiver was", () => {
  const { continuity } = talk(1);
  continuity.down("b", 10);
  for (const at of [20, 30]) say(continuity, at);
  continuity.up("b", true, 40).pod = "p2";
  say(continuity, 9000);
  const { lost, examples } = continuity.account();
  assert.equal(lost, 8);
  const [toItself, toTheOther] = examples;
  assert.equal(toItself.numbers, "0-3");
  assert.deepEqual([toTheOther.numbers, toTheOther.said], ["0-3", "00:00:00.000 to 00:00:09.000"]);
  assert.deepEqual(toTheOther.was, [
    "life 1, new, at ? from 00:00:00.000 to 00:00:00.010",
    "life 2, recovered, at p2 from 00:00:00.040 on",
  ]);
});

test("being away excuses nothing", () => {
  const { continuity, texts } = talk(1);
  continuity.down("b", 5);
  texts.push(say(continuity));
  continuity.up("b", true, 25).pod = "p1";
  deliver(continuity, ["a"], texts);
  deliver(continuity, ["b"], texts.slice(0, 1));
  const { lost, returns } = continuity.account();
  assert.equal(lost, 1);
  assert.deepEqual(returns, [{ name: "b", recovered: true, awayMs: 20, pod: "p1" }]);
});

test("what was not confirmed may be lost, but comes once", () => {
  const { continuity } = talk(0);
  const { text } = continuity.next("a", 0);
  assert.deepEqual(figures(continuity), [0, 0, 0, 0]);
  deliver(continuity, ["b"], [text, text]);
  assert.deepEqual(figures(continuity), [0, 0, 1, 0]);
});

test("order counts within a connection of the sender, not over its connections", () => {
  const { continuity, texts } = talk(2);
  deliver(continuity, ["b"], [texts[1], texts[0]]);
  assert.equal(continuity.account().misordered, 1);
  const moved = talk(1);
  moved.continuity.up("a", true, 1);
  const next = say(moved.continuity);
  deliver(moved.continuity, ["a", "b"], [next, ...moved.texts]);
  assert.deepEqual(figures(moved.continuity), [4, 0, 0, 0]);
});

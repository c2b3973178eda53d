// The account must notice what it is there to notice: times are given, none pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Traffic } from "../traffic.mjs";

const MARGIN = 100;

/** `said` messages of `a`, at 1000, 1010, …; both connected from 0 on. */
function talk(said) {
  const traffic = new Traffic();
  for (const name of ["a", "b"]) traffic.up(name, 0);
  for (let number = 0; number < said; number += 1) traffic.said("a", 1000 + 10 * number);
  return traffic;
}

/** Delivers these numbers of `a` to each of these clients. */
function deliver(traffic, names, numbers) {
  for (const name of names) {
    for (const number of numbers) traffic.received(name, `#a#${number}`, 2000);
  }
}

test("everything that arrived once, in order, is owed and not lost", () => {
  const traffic = talk(3);
  deliver(traffic, ["a", "b"], [0, 1, 2]);
  const { said, owed, lost, duplicated, misordered } = traffic.account(MARGIN);
  assert.deepEqual({ said, owed, lost, duplicated, misordered },
    { said: 3, owed: 6, lost: 0, duplicated: 0, misordered: 0 });
});

test("a loss is counted, and named", () => {
  const traffic = talk(3);
  deliver(traffic, ["a"], [0, 1, 2]);
  deliver(traffic, ["b"], [0, 2]);
  const { lost, examples } = traffic.account(MARGIN);
  assert.equal(lost, 1);
  assert.deepEqual(examples, [{ sender: "a", number: 1, to: "b", time: 1010 }]);
});

test("repeats and swaps are counted", () => {
  const traffic = talk(3);
  deliver(traffic, ["a"], [0, 1, 1, 2]);
  deliver(traffic, ["b"], [1, 0, 2]);
  const { lost, duplicated, misordered } = traffic.account(MARGIN);
  assert.deepEqual({ lost, duplicated, misordered }, { lost: 0, duplicated: 1, misordered: 1 });
});

test("nothing is owed to a connection that ended too soon after, or began too late before", () => {
  const traffic = talk(1);
  traffic.down("b", 1000 + MARGIN - 1);
  traffic.up("b", 1000 + MARGIN + 1);
  deliver(traffic, ["a"], [0]);
  assert.equal(traffic.account(MARGIN).owed, 1);

  const late = talk(1);
  late.up("c", 1000 - MARGIN + 1);
  deliver(late, ["a", "b"], [0]);
  assert.equal(late.account(MARGIN).owed, 2);
});

test("it is owed to one that lived just long enough", () => {
  const traffic = talk(1);
  traffic.down("b", 1000 + MARGIN);
  traffic.up("c", 1000 - MARGIN);
  deliver(traffic, ["a"], [0]);
  const { owed, lost } = traffic.account(MARGIN);
  assert.deepEqual({ owed, lost }, { owed: 3, lost: 2 });
});

test("nothing is owed for a sender whose own connection ended", () => {
  const traffic = talk(1);
  traffic.down("a", 1000 + MARGIN - 1);
  assert.equal(traffic.account(MARGIN).owed, 0);
});

test("other texts are not its business", () => {
  const traffic = talk(1);
  deliver(traffic, ["a", "b"], [0]);
  traffic.received("b", "hello", 2000);
  traffic.received("b", { some: "object" }, 2000);
  assert.equal(traffic.account(MARGIN).lost, 0);
});

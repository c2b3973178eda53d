import assert from "node:assert/strict";
import test from "node:test";
import {
  checkMessage, cleanUsername, EventBudget, MESSAGE_CHARS_MAX, USERNAME_CHARS_MAX,
} from "../input.mjs";

const notText = [undefined, null, 0, 1, true, {}, [], ["x"], () => "x", Buffer.from("x")];

test("names are cleaned", () => {
  assert.equal(cleanUsername("  Ann \t Lee\n"), "Ann Lee");
  assert.equal(cleanUsername("\u202egnp.exe\u0000"), "gnp.exe");
  assert.equal(cleanUsername("Ünal 👩‍🚀"), "Ünal 👩‍🚀");
});

test("names that are none are refused", () => {
  for (const value of [...notText, "", "   ", "\u200b\u0007"]) {
    assert.equal(cleanUsername(value), undefined);
  }
});

test("a name may be as long as the limit", () => {
  assert.equal(cleanUsername("n".repeat(USERNAME_CHARS_MAX))?.length, USERNAME_CHARS_MAX);
  assert.equal(cleanUsername("n".repeat(USERNAME_CHARS_MAX + 1)), undefined);
});

test("messages pass as they are, within the limit", () => {
  assert.equal(checkMessage(" a\n <b> "), " a\n <b> ");
  assert.equal(checkMessage("m".repeat(MESSAGE_CHARS_MAX))?.length, MESSAGE_CHARS_MAX);
  assert.equal(checkMessage("m".repeat(MESSAGE_CHARS_MAX + 1)), undefined);
  for (const value of [...notText, "", " \n "]) assert.equal(checkMessage(value), undefined);
});

test("a connection may burst, then goes on at the steady rate", () => {
  const budget = new EventBudget(0);
  let taken = 0;
  while (budget.take(0)) taken += 1;
  assert.equal(taken, 2000);
  assert.equal(budget.take(1), false);
  assert.equal(budget.take(2), true);
  assert.equal(budget.take(2), false);
});

test("a clock that goes back gives nothing, and nothing is saved past the burst", () => {
  const budget = new EventBudget(1000);
  while (budget.take(1000));
  assert.equal(budget.take(0), false);
  let taken = 0;
  while (budget.take(3_600_000)) taken += 1;
  assert.equal(taken, 2000);
});

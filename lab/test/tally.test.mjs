import assert from "node:assert/strict";
import { test } from "node:test";
import { absences, countDuplicates, countOutOfOrder, deliveriesDue, measure } from "../lib/tally.mjs";
import { timeline } from "../lib/timeline.mjs";
import { record } from "./record.mjs";

test("a whole run lacks nothing", () => {
  const m = measure(record());
  assert.deepEqual(
    [m.sent, m.confirmed, m.due, m.received, m.missing, m.duplicated, m.outOfOrder],
    [4, 4, 8, 8, 0, 0, 0],
  );
  assert.deepEqual([m.p50_ms, m.max_ms, m.disturbed_ms], [5, 5, 0]);
});

test("the sender is owed nothing of its own", () => {
  const run = record();
  assert.ok(deliveriesDue(run).every(({ message, client }) => run.messages[message].sender !== client));
});

test("what never came is missing, also where the client was away", () => {
  const run = record();
  run.receipts[2] = run.receipts[2].filter(([message]) => message !== 1);
  run.connections.push(
    { client: 2, at: 140, event: "down" },
    { client: 2, at: 900, event: "up", recovered: false },
  );
  const m = measure(run);
  assert.deepEqual([m.missing, m.missingMessages, m.missingClients, m.received], [1, 1, 1, 7]);
  assert.deepEqual([m.disconnects, m.recovered, m.back_max_ms, m.neverBack], [1, 0, 760, 0]);
});

test("what nobody confirmed is not owed, and counted apart", () => {
  const run = record();
  delete run.messages[1].ackAt;
  run.receipts[2] = run.receipts[2].filter(([message]) => message !== 1);
  const m = measure(run);
  assert.deepEqual([m.missing, m.unconfirmed, m.due], [0, 1, 6]);
});

test("a second time is a duplicate; a later one of the same sender first is out of order", () => {
  const run = record();
  run.receipts[2] = [[2, 405], [0, 410], [2, 411], [1, 412], [3, 413]];
  assert.equal(countDuplicates(run), 1);
  assert.equal(countOutOfOrder(run), 1, "0 after 2 is out of order, 1 and 3 are another sender's, in order");
});

test("a newcomer is owed the history, and that apart", () => {
  const run = record();
  run.clients.push({ name: "c4", group: "newcomer", since: 350, server: "s1" });
  run.receipts.push([[0, 360], [3, 405]]);
  const m = measure(run);
  assert.deepEqual([m.historyDue, m.historyMissing, m.missing], [3, 2, 0]);
});

test("who comes later without wanting the history is owed what is said from then on", () => {
  const run = record();
  run.clients.push({ name: "c4", group: "crowd", since: 350, server: "s1" });
  run.receipts.push([[3, 405]]);
  assert.equal(measure(run).missing, 0);
});

test("an absence that does not end is one of never coming back", () => {
  const run = record();
  run.connections.push({ client: 1, at: 100, event: "down" }, { client: 1, at: 120, event: "down" });
  assert.deepEqual(absences(run), [{ client: 1, from: 100, to: undefined, recovered: false }]);
  assert.equal(measure(run).neverBack, 1);
});

test("disturbed: from the fault to the last message that was late or lost", () => {
  const run = record();
  run.marks = [{ label: "fault", at: 150, until: 160 }];
  run.receipts[1].find(([message]) => message === 2)[1] = 300 + 1001;
  assert.equal(measure(run).disturbed_ms, 150);
  run.receipts[1].find(([message]) => message === 2)[1] = 300 + 1000;
  assert.equal(measure(run).disturbed_ms, 0, "a second is in time");
});

test("a slow client's own latency counts against nobody", () => {
  const run = record();
  run.clients[2].group = "slow";
  run.receipts[2].forEach((receipt) => (receipt[1] += 5000));
  const m = measure(run);
  assert.deepEqual([m.max_ms, m.missing], [5, 0]);
});

test("the fullest server's share, and wrong counts of users", () => {
  const m = measure({ ...record(), users: { right: 3, counted: [3, 2, undefined] } });
  assert.equal(m.largestShare, 0.667);
  assert.equal(m.usersWrong, 2);
});

test("the timeline has each delivery in the slice in which it was sent", () => {
  const run = record();
  run.receipts[2] = run.receipts[2].filter(([message]) => message !== 3);
  run.receipts[1].find(([message]) => message === 0)[1] = 100 + 1500;
  const { end_ms, slice_ms, slices } = timeline(run);
  assert.equal(slice_ms, 250);
  assert.equal(end_ms, 1600 + 250, "the last receipt, and a little");
  const sum = (key) => slices.reduce((total, slice) => total + slice[key], 0);
  assert.deepEqual(["sent", "inTime", "late", "lost"].map(sum), [4, 6, 1, 1]);
  assert.deepEqual([slices[0].late, slices[1].lost], [1, 1]);
  assert.equal(slices[2].p50_ms, null, "a slice without deliveries has no latency");
});

test("the timeline tells how many clients were connected", () => {
  const run = record();
  run.connections.push(
    { client: 0, at: 100, event: "down" },
    { client: 0, at: 110, event: "down" },
    { client: 0, at: 600, event: "up" },
  );
  assert.deepEqual(timeline(run).connected, [[0, 3], [100, 2], [600, 3]]);
});

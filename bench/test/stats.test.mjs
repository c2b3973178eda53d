import assert from "node:assert/strict";
import { test } from "node:test";
import { median, percentiles, pooled, significant, spread } from "../lib/stats.mjs";

test("median: odd, even, none; the input stays as it was", () => {
  const values = [3, 1, 2];
  assert.equal(median(values), 2);
  assert.deepEqual(values, [3, 1, 2]);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([100, 9]), 54.5);
  assert.ok(Number.isNaN(median([])));
});

test("spread: relative to the median; none for one run", () => {
  assert.ok(Math.abs(spread([9, 10, 11]) - 0.2) < 1e-12);
  assert.equal(spread([5]), 0);
  assert.equal(spread([0, 0]), 0);
});

test("percentiles: nearest rank, whatever the order", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual(percentiles(hundred, [0, 50, 99, 100]), [1, 50, 99, 100]);
  assert.deepEqual(percentiles([7], [1, 50, 99]), [7, 7, 7]);
  assert.ok(Number.isNaN(percentiles([], [50])[0]));
});

test("pooled: one array of several", () => {
  const all = pooled([Float64Array.of(1, 2), new Float64Array(0), Float64Array.of(3)]);
  assert.deepEqual([...all], [1, 2, 3]);
});

test("significant: digits that mean something; null for what is not a number", () => {
  assert.equal(significant(12.34567), 12.35);
  assert.equal(significant(0.0123456, 2), 0.012);
  assert.equal(significant(NaN), null);
});

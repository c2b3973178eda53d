// A run cut into equal slices of time, for its plot. Pure.
//
// Deliveries are counted in the slice in which their message was sent, so that what is lost has a place; so
// are those of messages that nobody confirmed, which nobody is owed.

import { percentiles, significant } from "../../bench/lib/stats.mjs";
import { deliveriesDue, LATE_MS } from "./tally.mjs";

/** Slices of a plot; shorter runs have thinner ones, never below the smallest. */
const SLICES = 60;
const SLICE_MS_MIN = 250;
const EMPTY = { sent: 0, inTime: 0, late: 0, lost: 0, unconfirmed: 0 };
/** What is shown after the last event. */
const AFTER_MS = 250;

/**
 * @returns {end_ms, slice_ms, slices: [{sent, inTime, late, lost, unconfirmed, p50_ms,
 *   p99_ms}], connected: [[at, count], …]}
 */
export function timeline(record) {
  const end_ms = lastEvent(record) + AFTER_MS;
  const slice_ms = Math.max(SLICE_MS_MIN, Math.ceil(end_ms / SLICES / 50) * 50);
  const count = Math.ceil(end_ms / slice_ms);
  const slices = Array.from({ length: count }, () => ({ ...EMPTY }));
  const latencies = Array.from({ length: count }, () => []);
  const place = (at) => Math.min(count - 1, Math.max(0, Math.floor(at / slice_ms)));

  for (const { at, ackAt } of record.messages) {
    slices[place(at)].sent += 1;
    if (ackAt === undefined) slices[place(at)].unconfirmed += record.clients.length - 1;
  }
  for (const { sentAt, at } of deliveriesDue(record)) {
    const slice = slices[place(sentAt)];
    if (at === undefined) slice.lost += 1;
    else if (at - sentAt > LATE_MS) slice.late += 1;
    else slice.inTime += 1;
    if (at !== undefined) latencies[place(sentAt)].push(Math.max(0, at - sentAt));
  }
  slices.forEach((slice, i) => {
    const [p50, p99] = percentiles(latencies[i], [50, 99]);
    slice.p50_ms = significant(p50, 3);
    slice.p99_ms = significant(p99, 3);
  });
  return { end_ms, slice_ms, slices, connected: connectedOverTime(record) };
}

/** When the last thing happened: what comes after is waiting. */
function lastEvent({ messages, receipts, connections, marks }) {
  let last = 0;
  for (const { at } of [...messages, ...connections]) last = Math.max(last, at);
  for (const { until } of marks) last = Math.max(last, until);
  for (const [, at] of receipts.flat()) last = Math.max(last, at);
  return Math.ceil(last);
}

/** How many clients were connected: a point for each change, the first at 0. */
function connectedOverTime(record) {
  let count = record.clients.filter(({ since }) => since <= 0).length;
  const points = [[0, count]];
  const up = new Set(record.clients.flatMap(({ since }, i) => (since <= 0 ? [i] : [])));
  for (const { client, at, event } of record.connections) {
    if (at < 0 || (event === "up") === up.has(client)) continue;
    if (event === "up") up.add(client);
    else up.delete(client);
    count = up.size;
    points.push([Math.round(at), count]);
  }
  return points;
}

/** The height of a slice's column: deliveries a second. */
export function columnHeight({ inTime, late, lost, unconfirmed }, slice_ms) {
  return ((inTime + late + lost + unconfirmed) * 1000) / slice_ms;
}

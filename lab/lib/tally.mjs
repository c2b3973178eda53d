// What became of the messages of one run: pure functions over what the fleet recorded.
//
// The records, times in milliseconds since the run began:
//   messages     [{sender, seq, at, ackAt?}]     in the order in which they were sent; sender: its index
//   clients      [{name, group, since, server}]  group: "crowd", "slow" or "newcomer"
//   receipts     for each client, [[message index, at], …] in the order in which its app was given them
//   connections  [{client, at, event: "up" | "down", server?, recovered?, reason?}]
//
// A message is *confirmed* when its server acknowledged it. Every client but the sender must get every
// confirmed message, also when it was away while the message was sent: that is what the people in a
// chat expect. A message that nobody confirmed is counted apart: its sender knows that it may be lost.

import { percentiles, significant } from "../../bench/lib/stats.mjs";

/** A delivery later than this is late: somebody in a chat would notice. */
export const LATE_MS = 1000;

/** For each message, for each client: when it was first given the message, or undefined. */
function firstReceipts(record) {
  return record.receipts.map((list) => {
    const first = new Map();
    for (const [message, at] of list) if (!first.has(message)) first.set(message, at);
    return first;
  });
}

/**
 * Every delivery that was due: [{message, client, sentAt, at?}], confirmed messages only.
 * A newcomer is owed the history too.
 */
export function deliveriesDue(record) {
  const first = firstReceipts(record);
  const due = [];
  record.messages.forEach((message, index) => {
    if (message.ackAt === undefined) return;
    record.clients.forEach((client, who) => {
      if (who === message.sender) return;
      if (client.since > message.at && client.group !== "newcomer") return;
      due.push({ message: index, client: who, sentAt: message.at, at: first[who].get(index) });
    });
  });
  return due;
}

/** Deliveries of a message that the client's app had been given before. */
export function countDuplicates(record) {
  return record.receipts.reduce(
    (sum, list) => sum + list.length - new Set(list.map(([message]) => message)).size,
    0,
  );
}

/** Deliveries of a message after a later one of the same sender. */
export function countOutOfOrder(record) {
  let count = 0;
  for (const list of record.receipts) {
    const latest = new Map();
    const seen = new Set();
    for (const [index] of list) {
      if (seen.has(index)) continue;
      seen.add(index);
      const { sender, seq } = record.messages[index];
      if (seq < (latest.get(sender) ?? -1)) count += 1;
      else latest.set(sender, seq);
    }
  }
  return count;
}

/** How long each client was away each time: from "down" to the next "up", or to the end of the run. */
export function absences(record) {
  const open = new Map();
  const found = [];
  for (const { client, at, event, recovered } of record.connections) {
    if (event === "down") {
      if (!open.has(client)) open.set(client, at);
    } else if (open.has(client)) {
      found.push({ client, from: open.get(client), to: at, recovered: Boolean(recovered) });
      open.delete(client);
    }
  }
  for (const [client, from] of open) found.push({ client, from, to: undefined, recovered: false });
  return found;
}

const round = (ms) => significant(Math.round(ms * 10) / 10);

/** Everything that the expectations and the report are about, by name. Times in milliseconds. */
export function measure(record) {
  const due = deliveriesDue(record);
  const isNew = ({ client }) => record.clients[client].group === "newcomer";
  const isSlow = ({ client }) => record.clients[client].group === "slow";
  const owed = due.filter((each) => !isNew(each) || each.sentAt >= record.clients[each.client].since);
  const history = due.filter((each) => isNew(each) && each.sentAt < record.clients[each.client].since);
  const lost = owed.filter(({ at }) => at === undefined);
  const latencies = owed.filter((each) => each.at !== undefined && !isSlow(each)).map((d) => d.at - d.sentAt);
  const [p50, p95, p99, max] = percentiles(latencies, [50, 95, 99, 100]);
  const away = absences(record);
  const back = away.filter(({ to }) => to !== undefined).map(({ from, to }) => to - from);
  const confirmed = record.messages.filter(({ ackAt }) => ackAt !== undefined).length;
  return {
    sent: record.messages.length,
    confirmed,
    unconfirmed: record.messages.length - confirmed,
    due: due.length,
    received: due.length - lost.length - history.filter(({ at }) => at === undefined).length,
    missing: lost.length,
    historyMissing: history.filter(({ at }) => at === undefined).length,
    historyDue: history.length,
    missingMessages: new Set(lost.map(({ message }) => message)).size,
    missingClients: new Set(lost.map(({ client }) => client)).size,
    duplicated: countDuplicates(record),
    outOfOrder: countOutOfOrder(record),
    p50_ms: round(p50),
    p95_ms: round(p95),
    p99_ms: round(p99),
    max_ms: round(max),
    disconnects: away.length,
    recovered: away.filter(({ recovered }) => recovered).length,
    neverBack: away.filter(({ to }) => to === undefined).length,
    back_p50_ms: round(percentiles(back, [50])[0]),
    back_max_ms: round(percentiles(back, [100])[0]),
    disturbed_ms: disturbance(record, owed),
    usersWrong: usersWrong(record),
    largestShare: largestShare(record),
  };
}

/** From the first fault until every message sent is with everybody in time again; 0 without a fault. */
function disturbance(record, owed) {
  const fault = Math.min(...record.marks.map(({ at }) => at));
  if (!Number.isFinite(fault)) return 0;
  const disturbed = owed
    .filter(({ sentAt, at, client }) => {
      if (record.clients[client].group === "slow") return false;
      return sentAt >= fault && (at === undefined || at - sentAt > LATE_MS);
    })
    .map(({ sentAt }) => sentAt);
  return disturbed.length ? Math.round(Math.max(...disturbed) - fault) : 0;
}

/** Clients that end with another number of users than there are; undefined where nobody looked. */
function usersWrong({ users }) {
  return users && users.counted.filter((count) => count !== users.right).length;
}

/** The largest server's share of the clients at the start, 0 to 1. */
function largestShare({ clients }) {
  const perServer = new Map();
  for (const { server } of clients) perServer.set(server, (perServer.get(server) ?? 0) + 1);
  return clients.length ? significant(Math.max(...perServer.values()) / clients.length, 3) : 0;
}

// What the runs say, in words. Each sentence about a cause is by hand; each figure in it is the run's own.

import { count, plural, time } from "./html.mjs";

/** What a system is, in a sentence or two, for its card. */
export const ABOUT = {
  "redis-single-node":
    "Every server publishes every message to one Redis, and is told every message by it. Nothing is kept: who is not listening at that moment does not get it.",
  "redis-streams-cluster":
    "Messages are appended to one stream of a Redis Cluster, which every server reads. Sessions of clients that leave are kept in Redis too, so that another server can go on with them. The stream is one key: it lives on one of the three masters, and the other two have nothing to do.",
  "postgres-reconnection":
    "A message is written to a Postgres primary, confirmed when its replica has it on disk as well, and only then told to all, by SocketMesh. Ids have no holes, so a client knows what it lacks, and reads that from the replica.",
  "postgres-mongodb":
    "As the other Postgres system, but messages travel by way of a capped collection of MongoDB, as in the seed.",
  socketmesh:
    "Each server hands its messages to the sidecar beside it, and the sidecars bring them where somebody listens. They also keep the sessions of clients that are away, and what these miss. No broker, no database.",
};

const away = "What is said while a client is between two servers is told to everybody but it, once";
const noMemory = `${away}, and Redis remembers nothing. The classic adapter cannot recover a session.`;
const perServer =
  "nginx hashes the client's address, and all of these share one, as they would in an office, in a mobile network, or on a developer's machine. So one server has everybody, and the cluster is none. That is also why the seed never saw that its chat counted users per server. The cured front marks each new client with a cookie instead.";
const killedStreams =
  "A server writes a client's session to Redis when it sees the client go. A server that is killed sees nothing, so its clients begin anew, and what was said meanwhile is not theirs.";

/** Why an expectation is not met, by system and case. */
const CAUSES = {
  "redis-single-node": {
    "spread-seed": perServer,
    "server-killed": noMemory,
    "pod-killed": noMemory,
    "server-restarted": noMemory,
    "network-cut": noMemory,
    rolling: `${noMemory} The restart of Redis adds what is published until every server has subscribed again.`,
    "backend-killed":
      "From the death of Redis until every server has subscribed to the next one, a message reaches the clients of its own server only. What the publishers queue meanwhile goes out before all subscribers are back.",
    "backend-away": "What Redis had accepted and not passed on is gone, or comes when nobody subscribes any more.",
  },
  "redis-streams-cluster": {
    "delivery-seed":
      "The stream's key lives on one master, and any other node answers MOVED. A client for one node does not follow that; what the adapter could not append reaches the clients of its own server and nobody else, and it says so nowhere. Servers see each other all the same, as publish and subscribe works through any node, so everything looks well. The chat needs the library's cluster client, and nodes whose addresses it can reach.",
    "pod-killed": killedStreams,
    "server-killed": killedStreams,
    "network-cut":
      "A session is written to Redis when its server notices that the client is gone: with a network that is simply cut, when the ping times out. A client that is back on another server before that finds no session there, and starts a new one.",
    "server-restarted": "A session was not yet in Redis when its client asked another server for it.",
    rolling: "Some sessions were not yet in Redis, or Redis was between two masters, when their clients were back.",
    "backend-killed":
      "Until a replica of the dead master is promoted, messages can't be appended, and what can't be appended reaches the clients of its own server only, although the chat has confirmed it. Replication is asynchronous, so the last appended entries may be missing on the new master; and what the client library sends again may be overtaken.",
    "backend-away": "Appending gives up before Redis is back, and what can't be appended reaches the clients of its own server only.",
  },
};

export const causeOf = ({ system, case: id }) => CAUSES[system]?.[id];

/** What a run came to, for its cell: [main, beside it]. */
export function headline(run, aCase) {
  if (run.verdict === "skipped") return ["not run", ""];
  if (run.verdict === "failed") return ["failed", ""];
  const { measures: m } = run;
  const named = new Set(aCase.expects.map(({ measure }) => measure));
  if (named.has("largestShare")) return [`${Math.round(m.largestShare * 100)} % on one server`, ""];
  if (m.due === 0) return [m.usersWrong === 0 ? "all counted right" : `${m.usersWrong} see a wrong count`, ""];
  const main = [
    m.missing > 0 && `${count(m.missing)} lost`,
    m.historyMissing > 0 && `${count(m.historyMissing)} not in the history`,
    m.duplicated > 0 && `${count(m.duplicated)} twice`,
    m.outOfOrder > 0 && `${count(m.outOfOrder)} out of order`,
    m.neverBack > 0 && `${plural(m.neverBack, "client")} gone for good`,
    named.has("usersWrong") && m.usersWrong > 0 && `${m.usersWrong} see a wrong count`,
  ].filter(Boolean);
  const beside = m.max_ms > 1000 ? `up to ${time(m.max_ms)} late` : `p99 ${time(m.p99_ms)}`;
  return [main.join(", ") || `all ${count(m.due)}`, beside];
}

/** How the database was read, where one was: by the servers that are still there. */
function historyReads({ figures }) {
  const servers = (figures ?? []).filter((each) => each?.fromReplica !== undefined);
  const sum = (key) => servers.reduce((total, each) => total + each[key], 0);
  const [replica, primary] = [sum("fromReplica"), sum("fromPrimary")];
  if (replica + primary === 0) return [];
  const waited = time(sum("waited_ms") / (replica + primary));
  return [`the history was read ${count(replica)} times from the replica and ${count(primary)} from the primary, after waiting ${waited} on average for the replica to catch up`];
}

/** A run in a sentence: what was lost, of how much, for whom, and for how long. */
export function sentence(run) {
  const { measures: m } = run;
  if (run.reason) return `${run.reason}.`;
  if (m.due === 0) return "";
  const parts = [];
  if (m.missing > 0) {
    const share = `${count(m.missing)} of ${count(m.due)} deliveries never came`;
    parts.push(`${share}: ${plural(m.missingMessages, "message")}, ${plural(m.missingClients, "client")}`);
  } else parts.push(`all ${count(m.due)} deliveries came`);
  if (m.duplicated > 0) parts.push(`${count(m.duplicated)} came twice`);
  if (m.outOfOrder > 0) parts.push(`${count(m.outOfOrder)} out of order`);
  if (m.disconnects > 0) {
    parts.push(
      `${plural(m.disconnects, "connection")} lost, back after ${time(m.back_p50_ms)} (at most ${time(m.back_max_ms)}), ${count(m.recovered)} with the session recovered`,
    );
  }
  if (m.unconfirmed > 0) parts.push(`${plural(m.unconfirmed, "message")} never confirmed to the sender`);
  if (m.disturbed_ms > 0) parts.push(`whole again ${time(m.disturbed_ms)} after the fault`);
  parts.push(...historyReads(run));
  const text = parts.join("; ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

// One chat server. `node demo/run.mjs` starts three of them, each next to its sidecar.
//
//   CHAT_LISTEN         127.0.0.1:3001
//   CHAT_INDEX          1: which server of the demo this is
//   CHAT_SERVERS        JSON, [{index, chatPort, adminPort}]: all of them, for the page's links
//   CHAT_PARENT=stdin   end when stdin does: the process that started this one is gone
//   SOCKETMESH_SOCKET   where the sidecar listens
//
// Ends on SIGINT and SIGTERM, clients and the mesh being told; exit 1 when it can't listen.

import { createServer } from "node:http";
import { createAdapter } from "@socketmesh/adapter";
import { Server } from "socket.io";
import { serveChat } from "./chat.mjs";
import { joinCluster } from "./cluster.mjs";
import { Presence } from "./presence.mjs";
import { createSite } from "./site.mjs";

/** Bytes of one message of a client, framing included. */
const CLIENT_MESSAGE_BYTES_MAX = 64 * 1024;
const CLOSE_GRACE_MS = 2000;

const { CHAT_LISTEN = "127.0.0.1:3001", CHAT_INDEX = "1", CHAT_SERVERS, CHAT_PARENT } = process.env;
const [host, port] = CHAT_LISTEN.split(":");
const index = Number(CHAT_INDEX);
const about = {
  index,
  servers: CHAT_SERVERS
    ? JSON.parse(CHAT_SERVERS)
    : [{ index, chatPort: Number(port), adminPort: 7401 }],
};

// Socket.IO answers for its own paths, and hands the others to the handler that was here before it.
const http = createServer((request, response) => site(request, response));
const io = new Server(http, {
  adapter: createAdapter({
    name: `server-${index}:${process.pid}`,
    log: (level, message) => level !== "debug" && console.log(message),
  }),
  connectionStateRecovery: {},
  maxHttpBufferSize: CLIENT_MESSAGE_BYTES_MAX,
});
const presence = new Presence({ index, pid: process.pid });
const cluster = joinCluster(io, {
  presence,
  onChanges: (changes) => chat.tell(changes),
  onState: () => chat.tellUsers(),
});
const chat = serveChat(io, { presence, cluster, about });

const site = createSite({
  health: () => ({
    status: "ok",
    server: index,
    sidecar: cluster.sidecar,
    servers: presence.servers().length,
    users: presence.numUsers,
  }),
});

http.on("error", (error) => {
  console.error(`server ${index}: ${error.message}`);
  process.exit(1);
});
http.listen(Number(port), host);

let closing = false;
function close() {
  if (closing) return;
  closing = true;
  setTimeout(() => process.exit(0), CLOSE_GRACE_MS).unref();
  io.close(() => process.exit(0));
}
process.on("SIGINT", close);
process.on("SIGTERM", close);
if (CHAT_PARENT === "stdin") process.stdin.on("end", close).resume();

// One server of the lab's chat, the same program in all four systems.
//
//   CHAT_NAME           s1: how clients and the balancer know it; absent: the host's name
//   CHAT_LISTEN         127.0.0.1:3001
//   CHAT_ADAPTER        redis · redis-streams · socketmesh · mongo (adapters.mjs has their variables)
//   CHAT_RECOVERY       1: connection state recovery on
//   CHAT_POSTGRES       host:port,host:port: durable history; absent: each server's memory
//   PGPASSWORD          the password of the role "chat" there
//   CHAT_COOKIE         1: tell the balancer by a cookie which server this is
//
// Ends on SIGINT and SIGTERM, clients being told; exit 1 when it can't start, or can't listen.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { hostname } from "node:os";
import { Server } from "socket.io";
import { Presence } from "../../demo/presence.mjs";
import { createAdapterNamed } from "./adapters.mjs";
import { serveChat } from "./chat.mjs";
import { MemoryHistory } from "./memory_history.mjs";
import { Postgres } from "./postgres.mjs";
import { PostgresHistory } from "./postgres_history.mjs";
import { Roster } from "./roster.mjs";
import { createSite } from "./site.mjs";

const CLIENT_MESSAGE_BYTES_MAX = 64 * 1024;
const CLOSE_GRACE_MS = 4000;
/** A client that is gone without a word is noticed after both: soon, so that runs can be short. */
const PING_INTERVAL_MS = 3000;
const PING_TIMEOUT_MS = 5000;
const RECOVERY_MS = 120_000;

const { env } = process;
const name = env.CHAT_NAME ?? hostname();
const [host, port] = (env.CHAT_LISTEN ?? "127.0.0.1:3001").split(":");

process.on("unhandledRejection", (error) => {
  // An adapter whose backend is away rejects where nobody waits; the chat goes on.
  console.error(`${name}: ${error?.message ?? error}`);
});

function fail(error) {
  console.error(`${name}: ${error.message}`);
  process.exit(1);
}

const adapter = await createAdapterNamed(env.CHAT_ADAPTER ?? "socketmesh", env).catch(fail);
const http = createServer((request, response) => site(request, response));
const io = new Server(http, {
  adapter,
  maxHttpBufferSize: CLIENT_MESSAGE_BYTES_MAX,
  pingInterval: PING_INTERVAL_MS,
  pingTimeout: PING_TIMEOUT_MS,
  ...(env.CHAT_RECOVERY === "1" && {
    connectionStateRecovery: { maxDisconnectionDuration: RECOVERY_MS, skipMiddlewares: true },
  }),
});

const id = randomUUID();
const presence = new Presence({ name, pid: process.pid });
presence.identify(id);
const roster = new Roster(io, { id, presence, onChanges: (changes) => chat.tell(changes) });
const database = env.CHAT_POSTGRES && new Postgres(env.CHAT_POSTGRES.split(","));
const history = database ? new PostgresHistory(database) : new MemoryHistory(io);
const chat = serveChat(io, { name, presence, roster, history });
const site = createSite({
  health: () => ({
    name,
    servers: presence.servers().length,
    users: presence.numUsers,
    connections: io.engine.clientsCount,
    history: history.figures(),
  }),
});

if (env.CHAT_COOKIE === "1") {
  io.engine.on("initial_headers", (headers) => (headers["set-cookie"] = `server=${name}; Path=/`));
}
http.on("error", fail);
http.listen(Number(port), host);

let closing = false;
async function close() {
  if (closing) return;
  closing = true;
  setTimeout(() => process.exit(0), CLOSE_GRACE_MS).unref();
  roster.leave();
  await io.close();
  await database?.end();
  process.exit(0);
}
process.on("SIGINT", close);
process.on("SIGTERM", close);

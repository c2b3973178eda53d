// The app of the end-to-end tests: a Socket.IO server that is all ordinary but for telling what
// it saw. Its pod is its name.
//
//   PORT              3000
//   POD_NAME          the hostname
//   SHUTDOWN_MS       0: how long after SIGTERM it goes on serving, as an app that drains would
//   RECOVERY          set: with connectionStateRecovery
//
//   GET /healthz      200 while it serves
//   GET /state        JSON: {pod, sidecarAtStart, attachedMs, attached, peers, gaps, sockets, …}
//
// A client's events: "say" (text) reaches every client of the cluster as "said" {from, text};
// "say to" (room, text) those of a room, and is acknowledged then; "join" (room) and "who" () and
// "everyone" () answer by their acknowledgement.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { hostname } from "node:os";
import { createAdapter } from "@socketmesh/adapter";
import { Server } from "socket.io";

const { PORT = "3000", POD_NAME: pod = hostname(), SHUTDOWN_MS = "0", RECOVERY } = process.env;
const SOCKET_PATH = "/var/run/socketmesh/app.sock";
/** How long clients may take to say goodbye. */
const CLOSE_GRACE_MS = 2000;

const started = Date.now();
const log = (message, fields = {}) =>
  console.log(JSON.stringify({ time: new Date().toISOString(), pod, message, ...fields }));

const state = {
  pod,
  version: process.env.APP_VERSION ?? "1",
  sidecarAtStart: existsSync(process.env.SOCKETMESH_SOCKET?.replace(/^unix:/, "") ?? SOCKET_PATH),
  attached: false,
  attachedMs: null,
  attachments: 0,
  peers: [],
  gaps: 0,
  unsendable: 0,
  recovered: 0,
};

const http = createServer((request, response) => {
  if (request.url === "/healthz") {
    response.end("ok\n");
  } else if (request.url === "/state") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...state, sockets: io.of("/").sockets.size }));
  } else {
    response.statusCode = 404;
    response.end();
  }
});

const io = new Server(http, {
  adapter: createAdapter({ name: pod, log: (level, message) => log(message, { level }) }),
  ...(RECOVERY && { connectionStateRecovery: {} }),
});
const { adapter } = io.of("/");
adapter.on("attached", ({ member, mesh }) => {
  state.attached = true;
  state.attachments += 1;
  state.attachedMs ??= Date.now() - started;
  log("attached", { member, mesh, attachedMs: state.attachedMs });
});
adapter.on("detached", ({ reason }) => {
  state.attached = false;
  log("detached", { reason });
});
adapter.on("refused", ({ code, message }) => log("refused", { code, reason: message }));
adapter.on("peer-up", ({ id, name }) => {
  state.peers = [...state.peers.filter((peer) => peer.id !== id), { id, name }];
  log("peer up", { name });
});
adapter.on("peer-down", ({ id, name, reason }) => {
  state.peers = state.peers.filter((peer) => peer.id !== id);
  log("peer down", { name, reason });
});
adapter.on("gap", ({ messages, reason, where }) => {
  state.gaps += 1;
  log("gap", { messages, reason, where });
});
adapter.on("unsendable", ({ reason }) => {
  state.unsendable += 1;
  log("unsendable", { reason });
});

io.on("connection", (socket) => {
  socket.data.name = socket.handshake.query.name;
  if (socket.recovered) state.recovered += 1;
  socket.on("say", (text) => io.emit("said", { from: pod, text }));
  socket.on("say to", (room, text, done) => {
    io.to(room).emit("said", { from: pod, room, text });
    // What is confirmed has left this process, should it be killed now.
    setImmediate(() => done?.());
  });
  socket.on("join", async (room, done) => {
    await socket.join(room);
    done?.();
  });
  socket.on("who", (done) => done?.({ pod, peers: state.peers.map(({ name }) => name) }));
  socket.on("everyone", async (done) => {
    const sockets = await io.fetchSockets();
    done?.(sockets.map(({ data }) => data.name));
  });
});

http.on("error", (error) => {
  log("cannot serve", { error: error.message });
  process.exit(1);
});
http.listen(Number(PORT), () => log("serving", { port: Number(PORT), ...state }));

let closing = false;
function close(signal) {
  if (closing) return;
  closing = true;
  log("closing", { signal });
  setTimeout(() => {
    setTimeout(() => process.exit(0), CLOSE_GRACE_MS).unref();
    // First the connections: io.close() alone stops listening to clients before it tells them.
    io.engine.close();
    io.close(() => process.exit(0));
  }, Number(SHUTDOWN_MS));
}
process.on("SIGINT", close);
process.on("SIGTERM", close);

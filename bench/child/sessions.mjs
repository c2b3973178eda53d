// One process of suite "recovery": a real Socket.IO server with connectionStateRecovery, and thousands of
// sessions on connections without a network. Told what to do over IPC (`methods` below).
import { Server } from "socket.io";
import { sleep } from "../lib/clock.mjs";
import { systemNamed } from "../systems/index.mjs";
import { FakeConnection } from "./fake_connection.mjs";
import { serve } from "./serve.mjs";

const kOpenAtOnce = 500;
const kPollMs = 5;
const kWindowMs = 120_000;

let io;
let connections = [];
const latenciesMs = [];

const methods = {
  async attach({ system, options }) {
    const chosen = systemNamed(system);
    io = new Server({ connectionStateRecovery: { maxDisconnectionDuration: kWindowMs } });
    io.adapter(await chosen.connect(options));
    const { adapter } = io.of("/");
    const restore = adapter.restoreSession.bind(adapter);
    adapter.restoreSession = async (pid, offset) => {
      const start = performance.now();
      const session = await restore(pid, offset);
      latenciesMs.push(performance.now() - start);
      return session;
    };
  },

  serverCount: () => io.of("/").adapter.serverCount(),

  /** New sessions, each in `room`, as all servers know by then. */
  async open({ count, room }) {
    const joins = [];
    io.on("connection", (socket) => {
      if (!socket.recovered) joins.push(socket.join(room));
    });
    for (let from = 0; from < count; from += kOpenAtOnce) {
      const batch = Array.from({ length: Math.min(kOpenAtOnce, count - from) }, () => new FakeConnection(io));
      const ids = await Promise.all(batch.map((connection) => connection.connect()));
      ids.forEach(({ pid }, i) => (batch[i].pid = pid));
      connections.push(...batch);
    }
    await Promise.all(joins);
  },

  emit: ({ room, count }) => {
    for (let i = 0; i < count; i++) io.to(room).emit("e", i);
  },

  /** As if a socket here were in `room`: its messages come, and nobody gets them. */
  hold: ({ room }) => io.of("/").adapter.addAll("holder", new Set([room])),

  /** So many a second, in steps of a millisecond. */
  async pace({ room, bytes, perSecond, seconds }) {
    const pad = "x".repeat(bytes);
    const start = performance.now();
    for (let sent = 0; sent < perSecond * seconds; ) {
      const due = Math.min(perSecond * seconds, ((performance.now() - start) / 1000) * perSecond + 1);
      while (sent + 1 <= due) io.to(room).emit("e", ++sent, pad);
      await sleep(1);
    }
  },

  /** What their clients would present, once all have had `events`. */
  async sessions({ events }) {
    while (!connections.every((connection) => connection.events >= events)) await sleep(kPollMs);
    return connections.map(({ pid, offset }) => ({ pid, offset }));
  },

  lose: () => {
    for (const connection of connections.splice(0)) connection.lose();
  },

  /** They come back here at this pace. Resolves to how it was for them. */
  async restore({ sessions, perMs }) {
    latenciesMs.length = 0;
    const start = performance.now();
    const coming = [];
    while (coming.length < sessions.length) {
      const due = Math.min(sessions.length, Math.ceil((performance.now() - start) * perMs) + 1);
      while (coming.length < due) {
        const { pid, offset } = sessions[coming.length];
        const connection = new FakeConnection(io);
        coming.push(connection.connect({ pid, offset }).then((said) => ({ connection, same: said.pid === pid })));
      }
      await sleep(1);
    }
    const back = await Promise.all(coming);
    connections = back.map(({ connection }) => connection);
    return {
      recovered: back.filter(({ same }) => same).length,
      replayed: back.reduce((sum, { connection, same }) => sum + (same ? connection.events : 0), 0),
      latenciesMs: Float64Array.from(latenciesMs),
    };
  },
};

serve(methods);

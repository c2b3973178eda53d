// One process: one real Socket.IO server with the adapter under test. The suite tells it over IPC what
// to do (`methods` below). Ends when the channel to the suite closes.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { nowUs, sleep } from "../lib/clock.mjs";
import { systemNamed } from "../systems/index.mjs";
import { publish } from "./publisher.mjs";
import { Recorder } from "./recorder.mjs";
import { serve } from "./serve.mjs";

const kHolder = "bench-holder"; // the id of the socket that holds the rooms: no such client exists
const kPollMs = 1;
const kBacklog = 4096;

let createAdapter;
let serverOptions;
let io;
let adapter;
const recorder = new Recorder();

/** The in-memory adapter below the one under test, whichever copy of socket.io-adapter that is. */
function inMemoryPrototype(instance) {
  let found;
  for (let level = instance; level; level = Object.getPrototypeOf(level)) {
    if (Object.hasOwn(level, "broadcast")) found = level;
  }
  return found;
}

const methods = {
  /** Connects to the backend; measures nothing yet. */
  async connect({ system, options }) {
    const chosen = systemNamed(system);
    createAdapter = await chosen.connect(options);
    serverOptions = chosen.serverOptions;
  },

  /**
   * Becomes a server of the cluster; says when it began to. With `clients`, deliveries go to the
   * clients that connect; else they are counted where the in-memory adapter would deliver.
   */
  attach({ clients }) {
    io = new Server(serverOptions);
    const attachedUs = nowUs();
    io.adapter(createAdapter);
    adapter = io.of("/").adapter;
    if (!clients) inMemoryPrototype(adapter).broadcast = (packet, opts) => recorder.take(packet, opts);
    return attachedUs;
  },

  /** Serves clients; each of them joins `room`. Resolves to the port. */
  listen({ room }) {
    io.on("connection", (socket) => socket.join(room));
    const http = createServer();
    io.attach(http, { transports: ["websocket"] });
    return new Promise((resolve, reject) => {
      http.once("error", reject);
      http.listen({ port: 0, host: "0.0.0.0", backlog: kBacklog }, () => resolve(http.address().port));
    });
  },

  /** Joins a room, as `socket.join` would. */
  async join({ room }) {
    await adapter.addAll(kHolder, new Set([room]));
  },

  /** Joins `count` rooms, `batch` of them awaited at a time; resolves to the time that took, in µs. */
  async joinMany({ prefix, count, batch }) {
    const startUs = nowUs();
    for (let from = 0; from < count; from += batch) {
      const joins = [];
      for (let i = from; i < Math.min(count, from + batch); i++) {
        joins.push(adapter.addAll(kHolder, new Set([`${prefix}${i}`])));
      }
      await Promise.all(joins);
    }
    return nowUs() - startUs;
  },

  async leave() {
    await adapter.delAll(kHolder);
  },

  /** From here on, deliveries to `rooms` are counted, from 0. */
  arm({ rooms }) {
    recorder.arm(rooms);
  },

  emitOne({ room, bytes }) {
    io.to(room).emit("e", nowUs(), "x".repeat(bytes));
  },

  publish(parameters) {
    return publish(io, parameters);
  },

  /** Resolves when `count` deliveries have come, or after `timeoutMs`. */
  received({ count, timeoutMs }) {
    return recorder.reached(count, timeoutMs);
  },

  report() {
    return recorder.report();
  },

  /** Asks for the number of servers, every millisecond, until it is `count`; says when
   *  that was. */
  async serversReached({ count, timeoutMs }) {
    const deadlineUs = nowUs() + timeoutMs * 1000;
    for (;;) {
      const counted = await adapter.serverCount();
      const countedUs = nowUs();
      if (counted === count) return countedUs;
      if (countedUs > deadlineUs) {
        throw new Error(`counts ${counted} servers, not ${count}, after ${timeoutMs} ms`);
      }
      await sleep(kPollMs);
    }
  },
};

serve(methods);
process.send({ ready: true });

// One process: one real Socket.IO server with the adapter under test, and no clients. The suite tells
// it over IPC what to do (`methods` below). Ends when the channel to the suite closes.
import { Server } from "socket.io";
import { nowUs, sleep } from "../lib/clock.mjs";
import { systemNamed } from "../systems/index.mjs";
import { publish } from "./publisher.mjs";
import { Recorder } from "./recorder.mjs";

const kHolder = "bench-holder"; // the id of the socket that holds the rooms: no such client exists
const kPollMs = 1;

let createAdapter;
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
    createAdapter = await systemNamed(system).connect(options);
  },

  /** Becomes a server of the cluster; says when it began to. */
  attach() {
    io = new Server();
    const attachedUs = nowUs();
    io.adapter(createAdapter);
    adapter = io.of("/").adapter;
    inMemoryPrototype(adapter).broadcast = (packet, opts) => recorder.take(packet, opts);
    return attachedUs;
  },

  /** Joins a room, as `socket.join` would. */
  async join({ room }) {
    await adapter.addAll(kHolder, new Set([room]));
  },

  async leave() {
    await adapter.delAll(kHolder);
  },

  /** From here on, deliveries to `room` are counted, from 0. */
  arm({ room }) {
    recorder.arm(room);
  },

  emitOne({ room, bytes }) {
    io.to(room).emit("e", nowUs(), "x".repeat(bytes));
  },

  publish({ room, bytes, rate, seconds }) {
    return publish(io, { room, bytes, rate, seconds });
  },

  /** Resolves when `count` deliveries have come, or after `timeoutMs`. */
  received({ count, timeoutMs }) {
    return recorder.reached(count, timeoutMs);
  },

  report() {
    return recorder.report();
  },

  /** User and system time of this process so far, in microseconds. */
  cpuUs() {
    const { user, system } = process.cpuUsage();
    return user + system;
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

process.on("message", async ({ id, method, parameters }) => {
  try {
    process.send({ id, value: await methods[method](parameters) });
  } catch (error) {
    process.send({ id, error: error.stack ?? String(error) });
  }
});
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => process.exit(0));

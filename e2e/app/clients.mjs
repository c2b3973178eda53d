// Socket.IO clients by remote control: one JSON command a line on stdin, one JSON answer a line on
// stdout, {id, value} or {id, error}. Runs in the cluster's network, or in a pod (`kubectl exec`).
//
//   {id, op: "connect", name, url, room?, again?}   again: reconnect when the connection is lost
//   {id, op: "emit", name, event, args}    {id, op: "ask", name, event, args}: the acknowledgement
//   {id, op: "received", name}             every "said" so far, oldest first
//   {id, op: "get", url}                   an HTTP GET, {status, body}
//   {id, op: "traffic", names, everyMs}    each of these clients says something every so often
//   {id, op: "settle", quietMs, marginMs}  ends the traffic, waits for stragglers, and accounts
//   {id, op: "talk", names, room, everyMs} as traffic, to a room, of which each message is confirmed
//   {id, op: "recount", quietMs}           ends the talk, waits for stragglers, and accounts
//   {id, op: "cut", name}                  its connection is lost, and it does not come back until
//   {id, op: "back", name}                 then
//   {id, op: "close", name}

import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { Continuity } from "./continuity.mjs";
import { Traffic } from "./traffic.mjs";

const CONNECT_TIMEOUT_MS = 10_000;
const ASK_TIMEOUT_MS = 10_000;
const GET_TIMEOUT_MS = 5_000;

const clients = new Map();
const traffic = new Traffic();
const continuity = new Continuity();

function client(name) {
  const found = clients.get(name);
  if (found === undefined) throw new Error(`no client '${name}'`);
  return found;
}

function connect({ name, url, room, again = false }) {
  const socket = io(url, {
    transports: ["websocket"],
    query: { name },
    forceNew: true,
    reconnection: again,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
    timeout: CONNECT_TIMEOUT_MS,
  });
  const entry = { socket, received: [], pod: null };
  clients.set(name, entry);
  socket.on("said", (message) => {
    entry.received.push(message);
    traffic.received(name, message.text, Date.now());
    continuity.received(name, message.text, Date.now());
  });
  socket.on("disconnect", () => {
    traffic.down(name, Date.now());
    continuity.down(name, Date.now());
  });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name}: no connection to ${url}`)), CONNECT_TIMEOUT_MS);
    if (!again) socket.once("connect_error", (error) => reject(new Error(`${name}: ${error.message}`)));
    socket.on("connect", () => {
      const arrival = continuity.up(name, socket.recovered, Date.now());
      // A pod that ends may take a connection and not answer any more: the client comes again.
      greet(socket, room).then(({ pod }) => {
        arrival.pod = pod;
        entry.pod = pod;
        traffic.up(name, Date.now());
        clearTimeout(late);
        resolve({ pod });
      }, reject);
    });
  });
}

async function greet(socket, room) {
  // A session that was recovered has its rooms.
  if (room !== undefined && !socket.recovered) await socket.timeout(ASK_TIMEOUT_MS).emitWithAck("join", room);
  return socket.timeout(ASK_TIMEOUT_MS).emitWithAck("who");
}

const operations = {
  connect,
  emit({ name, event, args = [] }) {
    client(name).socket.emit(event, ...args);
  },
  ask({ name, event, args = [] }) {
    return client(name).socket.timeout(ASK_TIMEOUT_MS).emitWithAck(event, ...args);
  },
  received({ name }) {
    return client(name).received;
  },
  async get({ url }) {
    const response = await fetch(url, { signal: AbortSignal.timeout(GET_TIMEOUT_MS) });
    return { status: response.status, body: await response.text() };
  },
  traffic({ names, everyMs }) {
    traffic.start(names, everyMs, (name, text) => {
      const { socket } = client(name);
      if (!socket.connected) return false;
      socket.emit("say", text);
      return true;
    });
  },
  settle({ quietMs, marginMs }) {
    return traffic.settle(quietMs, marginMs);
  },
  talk({ names, room, everyMs }) {
    continuity.start(names, everyMs, {
      connected: (name) => client(name).socket.connected,
      say: (name, text, confirm) => client(name).socket.emit("say to", room, text, confirm),
    });
  },
  recount({ quietMs }) {
    return continuity.settle(quietMs);
  },
  cut({ name }) {
    const { io: manager } = client(name).socket;
    manager.reconnection(false);
    manager.engine.close();
  },
  back({ name }) {
    const { socket } = client(name);
    socket.io.reconnection(true);
    const connected = new Promise((resolve) => socket.once("connect", resolve));
    socket.connect();
    return connected;
  },
  close({ name }) {
    client(name).socket.disconnect();
    clients.delete(name);
  },
};

const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, op, ...options } = JSON.parse(line);
  try {
    if (!Object.hasOwn(operations, op)) throw new Error(`no operation '${op}'`);
    answer({ id, value: (await operations[op](options)) ?? null });
  } catch (error) {
    answer({ id, error: error.message });
  }
}).on("close", () => process.exit(0));

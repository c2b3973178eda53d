// One process: one peer as socket.io-mesh-adapter v2 has them, as far as a connection between two of them
// goes: it registers at a discovery service, the smaller uid dials, says hello, and sends mesh frames. The
// suite tells it over IPC what to do (`methods` below). Ends when the channel to the suite closes.
import { once } from "node:events";
import { decode, encode } from "@msgpack/msgpack";
import WebSocket, { WebSocketServer } from "ws";
import { nowUs } from "../lib/clock.mjs";
import { serve } from "./serve.mjs";

const kHello = 0x00;
const kMesh = 0x01;
const kFramesPerTurn = 64;
const kBufferedBytesMax = 1 << 20; // a push waits above it: v2 cuts a peer at 16 MiB
const kSampleMask = 15;

let server;
let address;
let uid;
let roster = new Map();
const connections = {}; // by name; accepted ones under "accepted"
let counted = 0;
let target = Infinity;
let onTarget;
let latenciesUs = [];

function take(data) {
  if (data[0] !== kMesh) return;
  if ((counted++ & kSampleMask) === 0) latenciesUs.push(nowUs() - Number(data.readBigUInt64LE(1)));
  if (counted === target) onTarget(nowUs());
}

function frame(bytes) {
  const one = Buffer.alloc(bytes, "x");
  one[0] = kMesh;
  one.writeBigUInt64LE(BigInt(nowUs()), 1);
  return one;
}

const methods = {
  async listen({ id }) {
    uid = id;
    server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    address = `ws://127.0.0.1:${server.address().port}`;
    server.on("connection", (socket) => socket.on("message", take));
    return address;
  },

  register({ discovery }) {
    const socket = new WebSocket(discovery);
    socket.on("open", () => socket.send(encode({ type: "register", serverId: uid, address })));
    socket.on("message", (data) => {
      roster = new Map(decode(data).servers.map((one) => [one.serverId, one.address]));
    });
  },

  /** Of another peer, as the roster has it; undefined before it is there. */
  addressOf({ id }) {
    return roster.get(id);
  },

  /** Dials a peer, and says hello; the connection is `name`d for what follows. */
  async dial({ name, to }) {
    const socket = new WebSocket(to);
    await once(socket, "open");
    socket.send(Buffer.concat([Buffer.of(kHello), encode({ uid, address })]));
    connections[name] = socket;
  },

  /** Sends frames of `bytes` for `seconds`: paced at `rate` a second, or (0) as fast as it can. */
  send({ name, bytes, rate, seconds }) {
    const socket = connections[name];
    return new Promise((resolve) => {
      const firstUs = nowUs();
      const endUs = firstUs + seconds * 1e6;
      let sent = 0;
      const push = (count) => {
        for (let i = 0; i < count; i++) socket.send(frame(bytes));
        sent += count;
      };
      const turn = () => {
        if (nowUs() >= endUs) return resolve({ sent, firstUs });
        if (rate > 0) {
          push(Math.ceil(((nowUs() - firstUs) * rate) / 1e6) - sent);
          return setTimeout(turn, 1);
        }
        if (socket.bufferedAmount < kBufferedBytesMax) push(kFramesPerTurn);
        setImmediate(turn);
      };
      turn();
    });
  },

  arm() {
    counted = 0;
    target = Infinity;
    latenciesUs = [];
  },

  /** Resolves to the time at which `count` frames had come, undefined after `timeoutMs`. */
  received({ count, timeoutMs }) {
    if (counted >= count) return nowUs();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      target = count;
      onTarget = (us) => {
        clearTimeout(timer);
        resolve(us);
      };
    });
  },

  report() {
    return { counted, latenciesUs: Float64Array.from(latenciesUs) };
  },
};

serve(methods);

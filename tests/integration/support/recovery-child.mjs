// A Socket.IO server with recovery in a process of its own, to be killed with its clients on it. Who is new
// joins the room "all". Told what to do over IPC:
//   node recovery-child.mjs <socket address>      (forked by ChildServer)
import { AppServer } from "./server.mjs";

const app = await AppServer.start(process.argv[2], { server: { connectionStateRecovery: {} } });
app.io.on("connection", (socket) => {
  if (!socket.recovered) socket.join("all");
});
let sent = 0;
let timer;

const actions = {
  count: () => app.count(),
  sockets: () => app.io.of("/").sockets.size,
  emit: (event, n) => void app.io.to("all").emit(event, n),
  /** Emits so many numbers at once and dies: in that very "turn", or when its first "writes" are done. */
  emitAndDie: (event, count, when) => {
    for (let n = 0; n < count; n++) app.io.to("all").emit(event, n);
    const die = () => process.kill(process.pid, "SIGKILL");
    if (when === "turn") die();
    else process.nextTick(() => process.nextTick(die));
  },
  /** Emits numbers to everyone from here on. */
  traffic: (event, everyMs) => {
    timer = setInterval(() => app.io.to("all").emit(event, sent++), everyMs);
  },
  /** Ends that; how many there were. */
  silence: () => {
    clearInterval(timer);
    return sent;
  },
};

process.on("message", async ({ id, action, args }) => {
  try {
    process.send({ id, value: await actions[action](...args) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send({ ready: true, port: app.port });

// A Socket.IO server in a process of its own, to be killed. Told what to do over IPC:
//   node child.mjs <socket address>      (forked by ChildServer)
import { AppServer, received } from "./server.mjs";

const app = await AppServer.start(process.argv[2]);
let clients = [];

const actions = {
  count: () => app.count(),
  clients: async (number, rooms) => {
    clients = await Promise.all(Array.from({ length: number }, () => app.client()));
    await Promise.all(clients.map((client) => client.server.join(rooms)));
    return clients.map((client) => client.id);
  },
  // From here on its clients answer to "answer", and still to nothing else.
  answer: () => clients.forEach((client, i) => client.on("answer", (done) => done(i))),
  // The first arguments of the events that its first client got.
  got: (event) => received(clients[0], event).map(([first]) => first),
  neverAnswer: (event) => void app.io.on(event, () => undefined),
  stall: (ms) => {
    const end = Date.now() + ms;
    while (Date.now() < end);
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

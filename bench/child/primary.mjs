// The primary process of a Node cluster, as @socket.io/cluster-adapter's own documentation sets it up.
// Forks a worker (child/server.mjs) for each {fork} of the suite, and carries the suite's calls to the
// workers and their answers back. Ends when the channel to the suite closes.
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { setupPrimary } from "@socket.io/cluster-adapter";

const kWorker = fileURLToPath(new URL("server.mjs", import.meta.url));

setupPrimary();

const workers = new Map();

function fork({ fork: name, execArgv }) {
  cluster.setupPrimary({ exec: kWorker, execArgv, serialization: "advanced" });
  const worker = cluster.fork();
  workers.set(name, worker);
  // The adapter's own traffic, on the same channel, is neither the first word nor an answer.
  worker.on("message", (message) => {
    if (message.ready) process.send({ worker: name, pid: worker.process.pid });
    else if (message.id !== undefined) process.send({ worker: name, message });
  });
  worker.once("exit", (code, signal) => {
    if (process.connected) process.send({ worker: name, exit: signal ?? code });
  });
}

process.on("message", (message) => {
  if (message.fork !== undefined) fork(message);
  else if (message.end) workers.get(message.worker).kill();
  else workers.get(message.worker).send(message.message);
});
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => process.exit(0));

// TCP ports for servers that a test or a benchmark is about to start.
//
// Two rules keep others from taking a port in the moment before its server binds it: ports are below
// the range from which outgoing connections take theirs (32768 on, net.ipv4.ip_local_port_range), and
// each process has a stripe of its own, so that test files that run side by side don't meet.
import { createServer } from "node:net";

const PORT_MIN = 12_000;
const STRIPES = 200;
const PORTS_A_STRIPE = 100;

let next = 0;

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A port that nobody listens on, and that this process was not given lately. */
export async function freePort() {
  const stripe = PORT_MIN + (process.pid % STRIPES) * PORTS_A_STRIPE;
  for (let tried = 0; tried < PORTS_A_STRIPE; ++tried) {
    const port = stripe + (next++ % PORTS_A_STRIPE);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${stripe} to ${stripe + PORTS_A_STRIPE - 1}`);
}

/** `count` different ones. */
export async function freePorts(count) {
  const ports = new Set();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

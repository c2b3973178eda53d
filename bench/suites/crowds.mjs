// Real WebSocket clients (bench/native/clients) on the servers of a cluster.
import { sleep } from "../lib/clock.mjs";
import { Cluster } from "../lib/cluster.mjs";
import { NativeProgram } from "../lib/native.mjs";

export const kRoom = "everyone";
export const kClientsProgram = "bench_clients";
const kPollMs = 20;

/** A cluster whose servers accept clients; every client joins the room. Resolves to {cluster, ports}. */
export async function startServers(household, system, servers, profileFolder) {
  const cluster = await Cluster.start(household, system, {
    receivers: servers - 1,
    clients: true,
    profileFolder,
  });
  const listening = cluster.servers.map((server) => server.call("listen", { room: kRoom }));
  return { cluster, ports: await Promise.all(listening) };
}

/** Clients in one process. */
export class Crowd {
  #program;

  /** Resolves when as many are connected as can be. */
  static async connect(household, ports, connections) {
    const targets = ports.map((port) => `127.0.0.1:${port}`);
    const program = await NativeProgram.start(household, kClientsProgram, [
      ...["--target", ...targets],
      ...["--connections", connections],
    ]);
    try {
      return new Crowd(program, JSON.parse(await program.line()));
    } catch (error) {
      await program.end();
      throw error;
    }
  }

  /** `begun`: {connected, seconds, failure}. */
  constructor(program, begun) {
    this.#program = program;
    this.begun = begun;
  }

  get pid() {
    return this.#program.pid;
  }

  arm() {
    return this.#program.ask("arm");
  }

  async count() {
    return (await this.#program.ask("count")).messages;
  }

  report() {
    return this.#program.ask("report");
  }

  end() {
    return this.#program.end();
  }
}

/** Resolves when the crowds have `due` messages in all, or nothing has come for `silenceMs`. */
export async function drained(crowds, due, silenceMs) {
  let last = 0;
  let lastMs = Date.now();
  for (;;) {
    const counts = await Promise.all(crowds.map((crowd) => crowd.count()));
    const now = counts.reduce((sum, each) => sum + each, 0);
    if (now >= due) return;
    if (now !== last) lastMs = Date.now();
    else if (Date.now() - lastMs > silenceMs) return;
    last = now;
    await sleep(kPollMs);
  }
}

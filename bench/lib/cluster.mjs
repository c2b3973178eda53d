// A system under test, up and running: its backend, one publishing server and N receiving ones, each
// a process of its own.
import { sleep } from "./clock.mjs";
import { cpuUs } from "./proc.mjs";
import { ServerProcess } from "./server_process.mjs";

const kJoinMs = 10_000; // until a room that servers joined must be reachable
const kProbeMs = 100;
const kStrayMs = 50; // in which probes that came late are waited for
const kConvergeMs = 20_000;

export class Cluster {
  #servers = [];
  #rooms = 0;

  /**
   * `receivers`: servers beside the publishing one. `attached`: how many of all are attached at once
   * (the others are only connected to the backend).
   */
  static async start(household, system, { receivers, attached = receivers + 1, profileFolder }) {
    const cluster = new Cluster();
    try {
      const count = receivers + 1;
      cluster.backend = await system.start(household, { servers: count });
      cluster.#servers = await Promise.all(
        Array.from({ length: count }, () => ServerProcess.start(household, { profileFolder })),
      );
      await Promise.all(
        cluster.#servers.map((server, index) =>
          server.call("connect", { system: system.name, options: cluster.backend.options(index) }),
        ),
      );
      await Promise.all(cluster.#servers.slice(0, attached).map((server) => server.call("attach")));
      await cluster.converge(attached);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get publisher() {
    return this.#servers[0];
  }

  get receivers() {
    return this.#servers.slice(1);
  }

  get servers() {
    return this.#servers;
  }

  /** Resolves when each of the first `count` servers counts `count` servers; says when each did. */
  converge(count) {
    return Promise.all(
      this.#servers
        .slice(0, count)
        .map((server) => server.call("serversReached", { count, timeoutMs: kConvergeMs })),
    );
  }

  /** A new room that the first `count` receivers hold and that the publisher is known to reach. */
  async roomHeldBy(count) {
    const room = `r${++this.#rooms}`;
    const holders = this.receivers.slice(0, count);
    await Promise.all(holders.map((holder) => holder.call("join", { room })));
    const deadline = Date.now() + kJoinMs;
    for (;;) {
      await Promise.all(holders.map((holder) => holder.call("arm", { room })));
      const probe = { count: 1, timeoutMs: kProbeMs };
      const taken = Promise.all(holders.map((holder) => holder.call("received", probe)));
      await this.publisher.call("emitOne", { room, bytes: 1 });
      if ((await taken).every((messages) => messages > 0)) break;
      if (Date.now() > deadline) throw new Error(`the room is not reachable in ${kJoinMs} ms`);
    }
    await sleep(kStrayMs);
    return { room, holders };
  }

  async leaveRooms(holders) {
    await Promise.all(holders.map((holder) => holder.call("leave")));
  }

  /** CPU time of every process so far, in microseconds, summed by role. */
  async cpuUsByRole() {
    const [publisher, ...receivers] = await Promise.all(
      this.#servers.map((server) => server.call("cpuUs")),
    );
    const total = { publisher, receivers: receivers.reduce((sum, us) => sum + us, 0) };
    for (const { role, pid } of this.backend.processes()) {
      total[role] = (total[role] ?? 0) + cpuUs(pid);
    }
    return total;
  }

  async stop() {
    await Promise.all(this.#servers.map((server) => server.end()));
    await this.backend?.stop();
  }
}

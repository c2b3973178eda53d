// A system under test, up and running: its backend, one publishing server and N receiving ones, each
// a process of its own.
import { cpuUs } from "./proc.mjs";
import { ServerProcess } from "./server_process.mjs";

const kJoinMs = 60_000; // until a room is reachable, and what was sent before has come through
const kProbeMs = 100;
const kStrayMs = 50; // in which probes that came late are waited for
const kConvergeMs = 20_000;

/** Resolves when no probe has come for a while. */
async function settled(holder) {
  const quiet = { count: Infinity, timeoutMs: kStrayMs };
  let before;
  let now = await holder.call("received", quiet);
  do {
    before = now;
    now = await holder.call("received", quiet);
  } while (now !== before);
}

export class Cluster {
  #servers = [];
  #rooms = 0;

  /**
   * `receivers`: servers beside the publishing one. `attached`: how many of all are attached at once
   * (the others are only connected to the backend). `clients`: servers accept clients and deliver to
   * them, instead of counting at the in-memory adapter.
   */
  static async start(
    household,
    system,
    { receivers, attached = receivers + 1, clients = false, profileFolder },
  ) {
    const cluster = new Cluster();
    try {
      const count = receivers + 1;
      cluster.backend = await system.start(household, { servers: count });
      cluster.#servers = await Promise.all(
        Array.from({ length: count }, () =>
          ServerProcess.start(household, { profileFolder, backend: cluster.backend }),
        ),
      );
      await Promise.all(
        cluster.#servers.map((server, index) =>
          server.call("connect", { system: system.name, options: cluster.backend.options(index) }),
        ),
      );
      await Promise.all(
        cluster.#servers.slice(0, attached).map((server) => server.call("attach", { clients })),
      );
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

  /**
   * A new room for each of the first `publishers` servers, held by `holders` of the other servers (of
   * one publisher: the first receivers), each known to be reached. A server of its own room does not
   * hold it, so that it counts what came from others only. Resolves to
   * [{publisher, room, holders: [server]}].
   */
  async roomsHeldBy(holders, publishers = 1) {
    const rooms = this.#servers.slice(0, publishers).map((publisher) => ({
      publisher,
      room: `r${++this.#rooms}`,
      holders: this.#servers.filter((server) => server !== publisher).slice(0, holders),
    }));
    for (const each of rooms) await this.#reached(each);
    return rooms;
  }

  async #reached({ publisher, room, holders }) {
    await Promise.all(holders.map((holder) => holder.call("join", { room })));
    await Promise.all(holders.map((holder) => holder.call("arm", { rooms: [room] })));
    const deadline = Date.now() + kJoinMs;
    for (;;) {
      const probe = { count: 1, timeoutMs: kProbeMs };
      const taken = Promise.all(holders.map((holder) => holder.call("received", probe)));
      await publisher.call("emitOne", { room, bytes: 1 });
      if ((await taken).every((messages) => messages > 0)) break;
      if (Date.now() > deadline) throw new Error(`the room is not reachable in ${kJoinMs} ms`);
    }
    await Promise.all(holders.map(settled));
  }

  async leaveRooms() {
    await Promise.all(this.#servers.map((server) => server.call("leave")));
  }

  /**
   * CPU time of every process so far, as the kernel counts it, in microseconds, summed by role.
   * `publishers`: how many servers publish; a server that does both counts as a publisher.
   */
  cpuUsByRole(publishers = 1) {
    const total = {};
    const add = (role, pid) => {
      total[role] = (total[role] ?? 0) + cpuUs(pid);
    };
    this.#servers.forEach(({ pid }, index) => add(index < publishers ? "publisher" : "receivers", pid));
    for (const { role, pid } of this.backend.processes()) add(role, pid);
    return total;
  }

  async stop() {
    await Promise.all(this.#servers.map((server) => server.end()));
    await this.backend?.stop();
  }
}

// A Socket.IO server with real clients, in this process.
import { createServer } from "node:http";
import { once } from "node:events";
import { createAdapter } from "@socketmesh/adapter";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { until } from "./until.mjs";

export class AppServer {
  static async start(socket, { adapter = {}, server = {} } = {}) {
    const app = new AppServer();
    app.events = [];
    app.http = createServer();
    app.io = new Server(app.http, {
      ...server,
      adapter: createAdapter({ socket, log: (level, message) => app.events.push(["log", level, message]), ...adapter }),
    });
    app.clients = [];
    app.clientOptions = server.parser ? { parser: server.parser } : {};
    for (const event of ["attached", "detached", "refused", "gap", "peer-up", "peer-down", "protocol-error", "unsendable"]) {
      app.adapter().on(event, (detail) => app.events.push([event, detail]));
    }
    app.http.listen(0, "127.0.0.1");
    await once(app.http, "listening");
    app.port = app.http.address().port;
    return app;
  }

  adapter(nsp = "/") {
    return this.io.of(nsp).adapter;
  }

  of(event) {
    return this.events.filter(([name]) => name === event).map(([, detail]) => detail);
  }

  async count(nsp = "/") {
    return this.adapter(nsp).serverCount();
  }

  /** A connected client and its socket on the server. */
  async client(nsp = "/", options = {}) {
    const client = connect(`http://127.0.0.1:${this.port}${nsp}`, {
      forceNew: true,
      reconnection: false,
      transports: ["websocket"],
      ...this.clientOptions,
      ...options,
    });
    this.clients.push(client);
    client.got = [];
    client.onAny((...args) => client.got.push(args));
    await Promise.race([
      once(client, "connect"),
      once(client, "connect_error").then(([error]) => {
        throw error;
      }),
    ]);
    client.server = await until(() => this.io.of(nsp).sockets.get(client.id), "the socket on the server");
    return client;
  }

  async stop() {
    for (const client of this.clients) client.disconnect();
    await this.io.close();
  }
}

/** `count` servers, each on its own sidecar, that know of each other. */
export async function startServers(sidecars, options = {}) {
  const servers = await Promise.all(sidecars.all.map((sidecar) => AppServer.start(sidecar.address, options)));
  await converged(servers);
  return servers;
}

export async function converged(servers, nsp = "/") {
  await until(
    async () => (await Promise.all(servers.map((server) => server.count(nsp)))).every((count) => count === servers.length),
    "the servers to know each other",
  );
}

/** What a client got of one event: the arguments of each. */
export function received(client, event) {
  return client.got.filter(([name]) => name === event).map(([, ...args]) => args);
}

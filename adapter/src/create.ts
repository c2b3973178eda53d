// createAdapter(): options in, what io.adapter() takes out.
import { hostname } from "node:os";
import { SocketMeshAdapter } from "./adapter";
import { DEFAULT_SOCKET, parseAddress } from "./address";
import { OptionError } from "./errors";
import type { Log, LogLevel } from "./events";
import { BUFFER_BYTES, DETACHED_GRACE_MS, MAX_FRAME_BYTES, MIN_BUFFER_BYTES, REQUEST_TIMEOUT_MS } from "./limits";
import { fingerprintOf, type Parser } from "./parser";
import { MeshServer } from "./server";

export type AdapterClass = new (nsp: unknown, mesh: MeshServer) => SocketMeshAdapter;

export interface SocketMeshOptions {
  /** Where the sidecar listens. Default: $SOCKETMESH_SOCKET, else unix:/var/run/socketmesh/app.sock. */
  socket?: string;
  /** How this server is shown to people. Default: `hostname:pid`. */
  name?: string;
  /** The mesh that the sidecar must belong to. Default: whichever it does. */
  mesh?: string;
  /** Fingerprint of the parser, compared over the mesh. Default: derived from the server's parser. */
  parser?: string;
  /** A subclass of SocketMeshAdapter. */
  adapterClass?: AdapterClass;
  /** Publishes kept until they were taken, in bytes. Default 64 MiB. */
  bufferBytes?: number;
  /** Largest frame that is sent to other servers, in bytes. Default, and at most, 20 MiB. */
  maxPublishBytes?: number;
  /** How long fetchSockets() and serverSideEmit() wait for answers, ms. Default 5000. */
  requestTimeout?: number;
  /** How long the last known servers are counted while the sidecar is away, ms. Default 3000. */
  detachedGrace?: number;
  /** Hears what an operator should know. Default: warnings and errors to the console. */
  log?: Log;
}

interface Server {
  readonly _parser: Parser;
  readonly opts: { readonly parser?: unknown; readonly connectionStateRecovery?: unknown };
}

function toConsole(level: LogLevel, message: string): void {
  if (level === "error") console.error("socketmesh: %s", message);
  else if (level === "warn") console.warn("socketmesh: %s", message);
}

function number(options: SocketMeshOptions, key: keyof SocketMeshOptions, fallback: number, least: number): number {
  const value = options[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value < least) {
    throw new OptionError(`${key}: want a number of at least ${least}`);
  }
  return value;
}

/**
 * What io.adapter() takes. All namespaces of one Socket.IO server share one attachment to the sidecar.
 * Throws OptionError for options that can't be; a sidecar that is not there yet is waited for.
 */
export function createAdapter(options: SocketMeshOptions = {}): (nsp: any) => SocketMeshAdapter {
  const AdapterClass = options.adapterClass ?? SocketMeshAdapter;
  const socket = options.socket ?? process.env["SOCKETMESH_SOCKET"] ?? DEFAULT_SOCKET;
  parseAddress(socket);
  const config = {
    socket,
    name: options.name ?? `${hostname()}:${process.pid}`,
    mesh: options.mesh ?? "",
    bufferBytes: number(options, "bufferBytes", BUFFER_BYTES, MIN_BUFFER_BYTES),
    maxPublishBytes: Math.min(number(options, "maxPublishBytes", MAX_FRAME_BYTES, 1024), MAX_FRAME_BYTES),
    requestTimeoutMs: number(options, "requestTimeout", REQUEST_TIMEOUT_MS, 1),
    detachedGraceMs: number(options, "detachedGrace", DETACHED_GRACE_MS, 0),
    log: options.log ?? toConsole,
  };
  const meshes = new WeakMap<Server, MeshServer>();
  // Socket.IO calls it with `new`; what a constructor returns then counts, as in a plain call.
  return function (nsp: { server: Server }): SocketMeshAdapter {
    const { server } = nsp;
    let mesh = meshes.get(server);
    if (mesh === undefined || mesh.closed) {
      const custom = server.opts.parser !== undefined;
      const fingerprint = options.parser ?? fingerprintOf(server._parser, custom);
      const recovery = Boolean(server.opts.connectionStateRecovery);
      mesh = new MeshServer({ ...config, fingerprint, recovery }, server._parser, custom);
      meshes.set(server, mesh);
    }
    return new AdapterClass(nsp, mesh);
  };
}

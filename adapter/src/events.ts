// What the adapter tells the application, as events of the adapter of each namespace. The names have
// nothing in common with those of Socket.IO's own adapters (create-room, join-room, ...).

export interface Peer {
  /** Member id, 16 hex digits; a server that restarts has another one. */
  readonly id: string;
  /** `host:pid`, or the `name` option of that server. */
  readonly name: string;
  readonly sidecar: string;
}

export interface Gap {
  /** Messages that were lost on the way to this server. */
  readonly messages: number;
  readonly reason: string;
  /** Where they were lost: a sidecar, or the member that could not keep them. */
  readonly where: string;
}

export interface AdapterEvents {
  /** The sidecar has taken us in. Also after each loss of it. */
  attached: [{ member: string; sidecar: string; mesh: string }];
  /** The sidecar is away. Local delivery goes on; publishes are kept. */
  detached: [{ reason: string }];
  /** The sidecar won't have us, and why. Tried again, slowly. */
  refused: [{ code: number; message: string }];
  /** A server is present in this namespace, or not any more. */
  "peer-up": [Peer];
  "peer-down": [Peer & { reason: string }];
  /** Messages were lost. Never silently: every bound that was exceeded is told here. */
  gap: [Gap];
  /** A publish that can't be sent to other servers (too large); it was delivered locally. */
  unsendable: [{ reason: string }];
  /** A broken frame was dropped. */
  "protocol-error": [{ error: Error }];
}

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string) => void;

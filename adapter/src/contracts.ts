// What the client, the namespaces and the dialer know of each other.
import type { MemberId } from "./bytes";
import type { AdapterEvents, Log } from "./events";
import type { Interest } from "./interest";
import type { DecodedRoute } from "./routes";
import type { Kind } from "./wire";

/** One namespace of this server. */
export interface Endpoint {
  readonly nspName: string;
  readonly interest: Interest;
  roomNames(): Iterable<unknown>;
  /** A DATA frame; its body lies at [start, end) until the call returns. */
  receive(frame: Frame, route: DecodedRoute, buffer: Buffer, start: number, end: number): void;
  /** A request that was taken before, and came again. */
  receiveAgain(frame: Frame): void;
  tell<E extends keyof AdapterEvents>(event: E, ...detail: AdapterEvents[E]): void;
}

/** The header of a DATA frame. One object, filled anew for each frame. */
export interface Frame {
  kind: Kind;
  flags: number;
  origin: MemberId;
  seq: number;
}

export interface ClientConfig {
  readonly name: string;
  readonly mesh: string;
  readonly fingerprint: string;
  readonly bufferBytes: number;
  readonly maxPublishBytes: number;
  readonly detachedGraceMs: number;
  /** The server's connectionStateRecovery is on. */
  readonly recovery: boolean;
  readonly log: Log;
}

/** What the client tells the dialer. */
export interface Retry {
  welcomed(): void;
  refused(): void;
}

// Tells the application and its log what happened. Listeners are the application's: what they throw is
// thrown again in a turn of its own.
import { calmly } from "./calmly";
import type { Endpoint } from "./contracts";
import { WireError } from "./errors";
import type { AdapterEvents, Gap, Log, LogLevel, Peer } from "./events";
import { LOG_INTERVAL_MS } from "./limits";
import type { Member } from "./members";

export class Telling {
  private readonly logged = new Map<string, number>();

  constructor(
    private readonly endpoints: ReadonlyMap<string, Endpoint>,
    private readonly log: Log,
  ) {}

  /** The adapter of one namespace. */
  one<E extends keyof AdapterEvents>(nsp: string, event: E, ...detail: AdapterEvents[E]): void {
    const endpoint = this.endpoints.get(nsp);
    if (endpoint !== undefined) calmly(() => endpoint.tell(event, ...detail));
  }

  /** The adapters of all namespaces. */
  all<E extends keyof AdapterEvents>(event: E, ...detail: AdapterEvents[E]): void {
    for (const nsp of [...this.endpoints.keys()]) this.one(nsp, event, ...detail);
  }

  gap(gap: Gap): void {
    this.seldom("gap", "warn", `${gap.messages} messages lost at ${gap.where}: ${gap.reason}`);
    this.all("gap", gap);
  }

  unsendable(reason: string): void {
    this.seldom("unsendable", "error", `not sent to other servers: ${reason}`);
    this.all("unsendable", { reason });
  }

  protocolError(error: unknown): void {
    const cause = error instanceof Error ? error : new WireError(String(error));
    this.seldom("broken", "warn", `broken frame dropped: ${cause.message}`);
    this.all("protocol-error", { error: cause });
  }

  /** Events tell everything; the log is kept readable. */
  private seldom(kind: string, level: LogLevel, message: string): void {
    const now = performance.now();
    if (now - (this.logged.get(kind) ?? -LOG_INTERVAL_MS) < LOG_INTERVAL_MS) return;
    this.logged.set(kind, now);
    this.log(level, message);
  }
}

export function describePeer(member: Member): Peer {
  return { id: member.id.hex, name: member.name, sidecar: member.sidecar };
}

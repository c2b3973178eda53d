// Requests that wait for other members, keyed by the sequence that they were published with.
//
// The members that a request waits for are those known in its namespace when it was made. Each is
// resolved exactly once: by its final answer, by its death, or because ROUTED says that the request
// did not go to it. When none is left, or at the deadline, the request is over. A request that is written
// again at a new attachment is routed anew, and the later ROUTED replaces the earlier one.
import { MAX_PENDING_REQUESTS } from "./limits";
import { Part } from "./wire";

/** Why a member is not waited for any more. */
export type Resolution = "answered" | "dead" | "not addressed";

/** What a kind of request makes of its answers. Called synchronously; must not throw. */
export interface RequestHandler {
  /** A member that was resolved as not addressed may be waited for again, and be resolved again. */
  readonly revocable?: boolean;
  partial?(member: string, value: unknown): void;
  resolved(member: string, how: Resolution, value: unknown): void;
  /** Every member is resolved. */
  complete(): void;
  /** The deadline: `answered` of `expected` members are resolved. */
  expired(answered: number, expected: number): void;
}

interface Pending {
  readonly nsp: string;
  readonly handler: RequestHandler;
  readonly waiting: Set<string>;
  readonly expected: number;
  readonly timer: NodeJS.Timeout;
  /** Members that the last ROUTED left out. */
  readonly unaddressed: Set<string>;
}

export class Requests {
  private readonly pending = new Map<number, Pending>();

  get size(): number {
    return this.pending.size;
  }

  get full(): boolean {
    return this.pending.size >= MAX_PENDING_REQUESTS;
  }

  /** `members` is not empty. */
  add(seq: number, nsp: string, members: Iterable<string>, timeoutMs: number, handler: RequestHandler): void {
    const waiting = new Set(members);
    const timer = setTimeout(() => this.expire(seq), timeoutMs);
    timer.unref();
    this.pending.set(seq, { nsp, handler, waiting, expected: waiting.size, timer, unaddressed: new Set() });
  }

  /** An answer. One from a member that is not waited for is ignored. */
  answer(seq: number, member: string, part: Part, value: unknown): void {
    const request = this.pending.get(seq);
    if (request === undefined || !request.waiting.has(member)) return;
    if (part === Part.Partial) request.handler.partial?.(member, value);
    else this.resolve(seq, request, member, part === Part.Final ? "answered" : "not addressed", value);
  }

  /** Where the request went. Told again after a reattachment: then the later word counts. */
  routed(seq: number, members: ReadonlySet<string>): void {
    const request = this.pending.get(seq);
    if (request === undefined) return;
    if (request.handler.revocable === true) {
      for (const member of members) if (request.unaddressed.delete(member)) request.waiting.add(member);
    }
    const left = [...request.waiting].filter((member) => !members.has(member));
    for (const member of left) request.unaddressed.add(member);
    for (const member of left) this.resolve(seq, request, member, "not addressed", undefined);
  }

  /** A member is down, or left the namespace. */
  gone(member: string, nsp: string): void {
    for (const [seq, request] of [...this.pending]) {
      if (request.nsp !== nsp) continue;
      request.unaddressed.delete(member);
      if (request.waiting.has(member)) this.resolve(seq, request, member, "dead", undefined);
    }
  }

  /** The adapter of a namespace is closed: its requests end as if their time were over. */
  drop(nsp: string): void {
    for (const [seq, request] of [...this.pending]) {
      if (request.nsp === nsp) this.expire(seq);
    }
  }

  private resolve(seq: number, request: Pending, member: string, how: Resolution, value: unknown): void {
    if (!request.waiting.delete(member)) return;
    request.handler.resolved(member, how, value);
    if (request.waiting.size > 0 || this.pending.get(seq) !== request) return;
    this.end(seq, request);
    request.handler.complete();
  }

  private expire(seq: number): void {
    const request = this.pending.get(seq)!;
    this.end(seq, request);
    request.handler.expired(request.expected - request.waiting.size, request.expected);
  }

  private end(seq: number, request: Pending): void {
    clearTimeout(request.timer);
    this.pending.delete(seq);
  }
}

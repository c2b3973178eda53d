// What a restored socket was replayed can come late to this server over a slow link, after its CONNECT. Until
// an origin's messages are past what any socket here was replayed of it, they are looked at one by one. Pure.
import { LATE_MARKS_MS } from "./limits";
import type { MessageId } from "./recovery-messages";

/** By origin: messages up to here were replayed, or came before what was. */
export type Marks = ReadonlyMap<string, number>;

interface Pending {
  highest: number;
  until: number;
}

export class LateMessages {
  private readonly pending = new Map<string, Pending>();

  get size(): number {
    return this.pending.size;
  }

  /** `taken`: the highest sequence of an origin that came here; what is above may still come. `now` in ms. */
  expect(marks: Marks, taken: (origin: string) => number, now: number): void {
    for (const [origin, seq] of marks) {
      if (taken(origin) >= seq) continue;
      const known = this.pending.get(origin);
      const highest = Math.max(seq, known?.highest ?? 0);
      this.pending.set(origin, { highest, until: now + LATE_MARKS_MS });
    }
  }

  /** Whether somebody may have it already. Each origin comes in order. */
  concerns(id: MessageId): boolean {
    const pending = this.pending.get(id.origin);
    if (pending === undefined) return false;
    if (id.seq <= pending.highest) return true;
    this.pending.delete(id.origin);
    return false;
  }

  /** Links don't hold messages for that long. */
  sweep(now: number): void {
    for (const [origin, { until }] of this.pending) if (until <= now) this.pending.delete(origin);
  }
}

export function isMarked(marks: Marks | undefined, id: MessageId): boolean {
  return marks !== undefined && id.seq <= (marks.get(id.origin) ?? 0);
}

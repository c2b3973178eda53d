// The highest sequence taken from each publishing member, by which duplicates are dropped. It outlives
// attachments, because what a sidecar did not finish is sent again. Bounded: a member that has been
// down for ORIGIN_MEMORY_MS is forgotten, and past MAX_ORIGINS the one that was met first.
import { memberHex } from "./bytes";
import { MAX_ORIGINS, ORIGIN_MEMORY_MS } from "./limits";

const CACHE_SLOTS = 64;

export class Origin {
  seq = 0;
  /** ms, on the clock that the caller uses; 0 while the member is up or was never announced. */
  downSince = 0;

  constructor(
    readonly lo: number,
    readonly hi: number,
    readonly hex: string,
  ) {}
}

export class Origins {
  private readonly all = new Map<string, Origin>();
  private readonly cache = new Array<Origin | undefined>(CACHE_SLOTS).fill(undefined);

  get size(): number {
    return this.all.size;
  }

  values(): IterableIterator<Origin> {
    return this.all.values();
  }

  find(lo: number, hi: number): Origin {
    const slot = (lo ^ hi) & (CACHE_SLOTS - 1);
    const cached = this.cache[slot];
    if (cached !== undefined && cached.lo === lo && cached.hi === hi) return cached;
    const origin = this.lookup(lo, hi);
    this.cache[slot] = origin;
    return origin;
  }

  /** The highest sequence taken from an origin; 0 from one that is not known. */
  taken(hex: string): number {
    return this.all.get(hex)?.seq ?? 0;
  }

  up(hex: string): void {
    const origin = this.all.get(hex);
    if (origin !== undefined) origin.downSince = 0;
  }

  down(hex: string, now: number): void {
    const origin = this.all.get(hex);
    if (origin !== undefined) origin.downSince = now;
    this.sweep(now);
  }

  private lookup(lo: number, hi: number): Origin {
    const hex = memberHex(lo, hi);
    const known = this.all.get(hex);
    if (known !== undefined) return known;
    if (this.all.size >= MAX_ORIGINS) {
      for (const first of this.all.keys()) {
        this.forget(first);
        break;
      }
    }
    const origin = new Origin(lo, hi, hex);
    this.all.set(hex, origin);
    return origin;
  }

  private sweep(now: number): void {
    for (const origin of this.all.values()) {
      if (origin.downSince > 0 && now - origin.downSince > ORIGIN_MEMORY_MS) this.forget(origin.hex);
    }
  }

  private forget(hex: string): void {
    const origin = this.all.get(hex)!;
    this.all.delete(hex);
    const slot = (origin.lo ^ origin.hi) & (CACHE_SLOTS - 1);
    if (this.cache[slot] === origin) this.cache[slot] = undefined;
  }
}

// Awaited joins: one SYNC a loop turn, shared by all joins of the turn. A promise resolves when the
// sidecar says SYNCED, when SYNC_TIMEOUT_MS has passed, or when the attachment is lost. Never rejects.
import { SYNC_TIMEOUT_MS } from "./limits";

interface Sync {
  readonly id: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  /** The interest version that it covers. */
  version: number;
  timer: NodeJS.Timeout | undefined;
}

export class Joins {
  /** Joins that resolved without every peer's acknowledgement. */
  incomplete = 0;

  private nextId = 1;
  /** Grows with each added room; what was written up to a SYNC is covered by it. */
  private version = 0;
  private acknowledged = 0;
  private requested: Sync | undefined;
  private latest: Sync | undefined;
  private readonly waiting = new Map<number, Sync>();

  /** A room was added to the interest. */
  added(): void {
    this.version++;
  }

  /** A promise for all interest so far; undefined when every peer has it already. */
  wait(): Promise<void> | undefined {
    if (this.acknowledged >= this.version) return undefined;
    if (this.latest !== undefined && this.latest.version >= this.version) return this.latest.promise;
    this.requested ??= this.make();
    this.requested.version = this.version;
    return this.requested.promise;
  }

  /** The id of the SYNC to write behind the interest of this turn; undefined: nobody waits. */
  flush(): number | undefined {
    const sync = this.requested;
    if (sync === undefined) return undefined;
    this.requested = undefined;
    this.latest = sync;
    this.waiting.set(sync.id, sync);
    sync.timer = setTimeout(() => this.finish(sync.id, false), SYNC_TIMEOUT_MS);
    sync.timer.unref();
    return sync.id;
  }

  synced(id: number, complete: boolean): void {
    this.finish(id, complete);
  }

  /** The snapshot of the next attachment tells the sidecar everything; nobody can wait for it. */
  detached(): void {
    for (const id of [...this.waiting.keys()]) this.finish(id, false);
    if (this.requested !== undefined) {
      this.incomplete++;
      this.requested.resolve();
      this.requested = undefined;
    }
    this.acknowledged = this.version;
  }

  private make(): Sync {
    let resolve!: () => void;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const id = this.nextId;
    this.nextId = this.nextId === 0xffff_ffff ? 1 : this.nextId + 1;
    return { id, promise, resolve, version: 0, timer: undefined };
  }

  private finish(id: number, complete: boolean): void {
    const sync = this.waiting.get(id);
    if (sync === undefined) return;
    this.waiting.delete(id);
    clearTimeout(sync.timer);
    if (this.latest === sync) this.latest = undefined;
    if (complete) this.acknowledged = Math.max(this.acknowledged, sync.version);
    else this.incomplete++;
    sync.resolve();
  }
}

// The rooms of one namespace that have a local socket, as the sidecar knows them, and what changed
// since it was told. A room that came and went between two flushes is never mentioned.
import type { ByteWriter } from "./bytes";
import { INTEREST_FRAME_BYTES } from "./limits";
import { toWireName } from "./names";
import { Out } from "./wire";

export class Interest {
  /** Room → whether it is to be added (else removed). */
  private changes = new Map<unknown, boolean>();

  constructor(private readonly nsp: string) {}

  get dirty(): boolean {
    return this.changes.size > 0;
  }

  /** The room has got its first local socket, or lost its last one. Calls alternate for one room. */
  change(room: unknown, present: boolean): void {
    if (!this.changes.delete(room)) this.changes.set(room, present);
  }

  /** Writes what changed. */
  write(writer: ByteWriter): void {
    if (this.changes.size === 0) return;
    writeInterest(writer, this.nsp, this.changes);
    this.changes = new Map();
  }

  /** Writes the whole state for a new attachment, and forgets what was pending. */
  snapshot(writer: ByteWriter, rooms: Iterable<unknown>): void {
    this.changes = new Map();
    const all: [unknown, boolean][] = [];
    for (const room of rooms) all.push([room, true]);
    if (all.length > 0) writeInterest(writer, this.nsp, all);
  }
}

/** INTEREST frames, each of a bounded size. */
function writeInterest(writer: ByteWriter, nsp: string, changes: Iterable<[unknown, boolean]>): void {
  let batch: [string, boolean][] = [];
  let bytes = 0;
  const close = (): void => {
    const mark = writer.open(Out.Interest);
    writer.string(toWireName(nsp)).varint(batch.length);
    for (const [room, present] of batch) writer.u8(present ? 1 : 0).string(room);
    writer.close(mark);
    batch = [];
    bytes = 0;
  };
  for (const [room, present] of changes) {
    const name = toWireName(room);
    batch.push([name, present]);
    bytes += name.length * 3 + 6;
    if (bytes >= INTEREST_FRAME_BYTES) close();
  }
  if (batch.length > 0) close();
}

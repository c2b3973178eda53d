// The control frames that the client writes, and its own GAP.
import { ByteWriter, type MemberId } from "./bytes";
import type { ClientConfig } from "./contracts";
import type { Members } from "./members";
import { toWireName } from "./names";
import type { Lost } from "./outbox";
import type { Recovery } from "./recovery";
import { APP_PROTOCOL_VERSION, DATA, Kind, Out, RouteKind, TWO_32 } from "./wire";

export function writeEmpty(writer: ByteWriter, type: Out): void {
  writer.close(writer.open(type));
}

export function writeName(writer: ByteWriter, type: Out, name: string): void {
  const mark = writer.open(type);
  writer.string(toWireName(name)).close(mark);
}

/** With the members that we know, by sidecar: the sidecar confirms them or ends them. */
export function writeAttach(
  writer: ByteWriter,
  id: MemberId,
  config: ClientConfig,
  members: Members,
  recovery: Recovery | undefined,
): void {
  const mark = writer.open(Out.Attach);
  writer.u8(APP_PROTOCOL_VERSION).u8(APP_PROTOCOL_VERSION).id(id);
  writer.string(config.name).string(config.fingerprint).string(config.mesh);
  const bySidecar = new Map<string, MemberId[]>();
  for (const member of members.values()) {
    const known = bySidecar.get(member.sidecar);
    if (known === undefined) bySidecar.set(member.sidecar, [member.id]);
    else known.push(member.id);
  }
  writer.varint(bySidecar.size);
  for (const [sidecar, ids] of bySidecar) {
    writer.string(sidecar).varint(ids.length);
    for (const member of ids) writer.id(member);
  }
  recovery?.attach(writer);
  writer.close(mark);
}

/** A DATA frame in the place of publishes that are not held any more, with the last one's sequence. */
export function gapFrame(origin: MemberId, lost: Lost): Buffer {
  const writer = new ByteWriter(64);
  const mark = writer.open(DATA);
  writer.u8(0).u8(RouteKind.Mesh).u8(Kind.Gap).u32(0).id(origin).u64(lost.seq);
  return writer.varint(Math.min(lost.count, TWO_32 - 1)).close(mark).take();
}

// A broadcast's options: to and from what travels of them.
import type { BroadcastOptions, Room } from "socket.io-adapter";
import { ByteWriter } from "./bytes";
import { toWireName } from "./names";
import type { DecodedRoute } from "./routes";
import { Flag } from "./wire";

export function optionsOf(route: DecodedRoute, flags: number): BroadcastOptions {
  return { rooms: setOf(route.rooms), except: setOf(route.except), flags: flagsOf(flags) };
}

function setOf(names: readonly string[]): Set<string> {
  const set = new Set<string>();
  for (let i = 0; i < names.length; i++) set.add(names[i]);
  return set;
}

function flagsOf(bits: number): NonNullable<BroadcastOptions["flags"]> {
  const flags: NonNullable<BroadcastOptions["flags"]> = {};
  if ((bits & Flag.Volatile) !== 0) flags.volatile = true;
  if ((bits & Flag.CompressSet) !== 0) flags.compress = (bits & Flag.CompressValue) !== 0;
  return flags;
}

export function encodeRooms(rooms: Room[]): Uint8Array {
  const writer = new ByteWriter(64).varint(rooms.length);
  for (const room of rooms) writer.string(toWireName(room));
  return writer.take();
}

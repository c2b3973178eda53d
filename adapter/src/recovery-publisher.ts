// Broadcasts of a server whose recovery is on: each that a client could miss gets an offset, the id that
// it has in the mesh, as the last element of its event.
import type { BroadcastOptions } from "socket.io-adapter";
import { flagBits } from "./asking";
import type { Client } from "./client";
import { EncodedPacket, type Chunk, type SocketIoPacket } from "./packets";
import type { MessageId } from "./recovery-messages";
import type { RouteEncoder } from "./routes";
import { Flag, Kind } from "./wire";

/** Socket.IO's packet type of an event. */
const EVENT = 2;
/** How often a packet is encoded whose own toJSON() publishes meanwhile and takes its sequence. */
const MOST_ENCODINGS = 3;

/** What the clients here are given. */
export interface Published {
  readonly message: EncodedPacket;
  /** Undefined: it is not recovered. */
  readonly id: MessageId | undefined;
}

export class RecoveryPublisher {
  private readonly prefix: string;

  constructor(
    private readonly nsp: string,
    private readonly client: Client,
    private readonly routes: RouteEncoder,
    private readonly encode: (packet: SocketIoPacket) => Chunk[],
  ) {
    this.prefix = `${client.id.hex}.`;
  }

  /** `alone`: nothing is published any more. */
  broadcast(packet: SocketIoPacket, opts: BroadcastOptions, alone: boolean): Published {
    const { flags } = opts;
    if (!alone && packet.type === EVENT && packet.id === undefined && !flags?.volatile) {
      const published = this.logged(packet, opts);
      if (published !== undefined) return published;
    }
    const message = new EncodedPacket(packet, this.nsp, this.encode({ ...packet, data: withoutOffset(packet) }));
    // A packet with an id is a socket's own, sent this way for its recovery: nobody else could answer it.
    if (!flags?.local && packet.id === undefined && !alone) {
      this.client.publisher.packet(Kind.Broadcast, flagBits(flags), this.routes.rooms(opts.rooms, opts.except), message);
    }
    return { message, id: undefined };
  }

  private logged(packet: SocketIoPacket, opts: BroadcastOptions): Published | undefined {
    const { publisher, id: member, recovery } = this.client;
    for (let i = 0; i < MOST_ENCODINGS; i++) {
      const seq = publisher.lastSeq + 1;
      const data = (packet.data as unknown[]).concat(`${this.prefix}${seq}`);
      const message = new EncodedPacket(packet, this.nsp, this.encode({ type: EVENT, data }));
      if (publisher.lastSeq + 1 !== seq) continue;
      const bits = flagBits(opts.flags) | Flag.Logged | (opts.flags?.local ? Flag.Home : 0);
      const route = this.routes.rooms(opts.rooms, opts.except);
      if (publisher.packet(Kind.Broadcast, bits, route, message) === 0) recovery!.lose();
      return { message, id: { origin: member.hex, seq } };
    }
    return undefined;
  }
}

/** A client takes a trailing string of an event for its offset, unless it is asked for an answer. */
function withoutOffset({ type, data, id }: SocketIoPacket): unknown {
  if (type !== EVENT || id !== undefined || !Array.isArray(data)) return data;
  return typeof data[data.length - 1] === "string" ? [...(data as unknown[]), null] : data;
}

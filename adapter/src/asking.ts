// Requests to the other servers of a namespace, each published and acted upon locally in one turn.
//
// A request waits for the members that are known in the namespace in that turn, so that its count is
// that of serverCount(). fetchSockets() and broadcastWithAck() with rooms go only to members with such a
// room (ROUTED tells which); the others count as having answered with nothing.
import type { BroadcastOptions } from "socket.io-adapter";
import { calmly } from "./calmly";
import type { Client } from "./client";
import { MAX_ACK_MS } from "./limits";
import { forgetAcks, type Local } from "./local";
import { EncodedPacket, type Chunk, type SocketIoPacket } from "./packets";
import type { RouteEncoder } from "./routes";
import { encodeValue } from "./values";
import { Flag, Kind } from "./wire";

const EMPTY = new Uint8Array(0);

type Ack = (...args: unknown[]) => void;

export function flagBits(flags: BroadcastOptions["flags"]): number {
  if (flags === undefined) return 0;
  let bits = flags.volatile ? Flag.Volatile : 0;
  if (flags.compress !== undefined) bits |= flags.compress ? Flag.CompressSet | Flag.CompressValue : Flag.CompressSet;
  return bits;
}

export function timeoutError(answered: number, expected: number): Error {
  return new Error(`timeout reached: only ${answered} responses received out of ${expected}`);
}

export class Asking {
  constructor(
    private readonly nsp: string,
    private readonly client: Client,
    private readonly routes: RouteEncoder,
    private readonly local: Local,
    private readonly encode: (packet: SocketIoPacket) => Chunk[],
    private readonly requestTimeoutMs: number,
  ) {}

  /** clientCountCallback runs serverCount() times in all, and never again. */
  broadcastWithAck(packet: SocketIoPacket, opts: BroadcastOptions, onCount: (count: number) => void, ack: Ack): void {
    const timeout = Math.min(opts.flags?.timeout ?? this.requestTimeoutMs, MAX_ACK_MS);
    const members = this.others();
    const own: SocketIoPacket = { type: packet.type, data: packet.data };
    if (!this.publishWithAck(own, opts, members, timeout, onCount, ack)) {
      for (let i = 0; i < members.length; i++) onCount(0);
    }
    const deliver = (): void => this.deliverWithAck(own, opts, timeout, onCount, ack);
    if (this.client.deliveries.active) this.client.deliveries.defer(deliver);
    else deliver();
  }

  async fetchSockets(opts: BroadcastOptions): Promise<unknown[]> {
    const own = this.local.fetchSockets(opts);
    const members = opts.flags?.local ? [] : this.others();
    if (members.length === 0) return own;
    if (this.client.requests.full) throw new Error("too many requests are waiting for answers");
    const found: unknown[] = [];
    const route = this.routes.rooms(opts.rooms, opts.except);
    const seq = this.client.publisher.body(Kind.FetchSockets, Flag.WantsRouted, route, EMPTY);
    if (seq > 0) {
      await new Promise<void>((resolve, reject) => {
        const add = (value: unknown): void => {
          if (Array.isArray(value)) for (const socket of value) if (isSocket(socket)) found.push(socket);
        };
        this.client.requests.add(seq, this.nsp, members, opts.flags?.timeout ?? this.requestTimeoutMs, {
          revocable: true,
          partial: (_member, value) => add(value),
          resolved: (_member, how, value) => {
            if (how === "answered") add(value);
          },
          complete: resolve,
          expired: (answered, expected) => reject(timeoutError(answered, expected)),
        });
      });
    }
    return [...(await own), ...found];
  }

  serverSideEmit(packet: unknown[]): void {
    const last = packet[packet.length - 1];
    if (typeof last !== "function") {
      this.client.publisher.body(Kind.ServerSideEmit, 0, this.routes.everyone, encodeValue(packet));
      return;
    }
    const ack = last as (error: Error | null, responses: unknown[]) => void;
    const body = encodeValue(packet.slice(0, -1));
    const members = this.others();
    const responses: unknown[] = [];
    // An application counts on its callback not to run before serverSideEmit() has returned.
    const later = (error: Error | null): void => process.nextTick(ack, error, responses);
    if (members.length === 0 || this.client.requests.full) {
      later(members.length === 0 ? null : new Error("too many requests are waiting for answers"));
      return;
    }
    const seq = this.client.publisher.body(Kind.ServerSideEmit, Flag.WantsRouted, this.routes.everyone, body);
    if (seq === 0) {
      later(timeoutError(0, members.length));
      return;
    }
    this.client.requests.add(seq, this.nsp, members, this.requestTimeoutMs, {
      revocable: true,
      resolved: (_member, how, value) => {
        if (how === "answered") responses.push(value);
      },
      complete: () => calmly(() => ack(null, responses)),
      expired: (_answered, expected) => calmly(() => ack(timeoutError(responses.length, expected), responses)),
    });
  }

  /** The members of this turn's serverCount(). */
  private others(): string[] {
    return [...this.client.members.in(this.nsp).keys()];
  }

  private publishWithAck(
    packet: SocketIoPacket,
    opts: BroadcastOptions,
    members: string[],
    timeout: number,
    onCount: (count: number) => void,
    ack: Ack,
  ): boolean {
    if (opts.flags?.local) return false;
    const waits = members.length > 0 && !this.client.requests.full;
    const flags = flagBits(opts.flags) | (waits ? Flag.WantsRouted : 0);
    const message = new EncodedPacket(packet, this.nsp, this.encode({ ...packet, nsp: this.nsp }));
    const route = this.routes.rooms(opts.rooms, opts.except);
    const seq = this.client.publisher.packet(Kind.BroadcastAck, flags, route, message, timeout);
    if (seq === 0 || !waits) return false;
    const answers = new Map<string, number>();
    this.client.requests.add(seq, this.nsp, members, timeout, {
      partial: (member, value) => {
        answers.set(member, (answers.get(member) ?? 0) + 1);
        calmly(() => ack(value));
      },
      resolved: (member, how, value) => {
        // A member that died counts with those of its clients that had answered.
        const count = how === "answered" && Number.isSafeInteger(value) ? (value as number) : (answers.get(member) ?? 0);
        calmly(() => onCount(count));
      },
      complete: () => undefined,
      expired: () => undefined,
    });
    return true;
  }

  private deliverWithAck(
    packet: SocketIoPacket,
    opts: BroadcastOptions,
    timeout: number,
    onCount: (count: number) => void,
    ack: Ack,
  ): void {
    let left = 0;
    let timer: NodeJS.Timeout | undefined;
    this.local.broadcastWithAck(
      packet,
      opts,
      (count) => {
        left = count;
        onCount(count);
      },
      (...args) => {
        if (--left === 0) clearTimeout(timer);
        ack(...args);
      },
    );
    // Socket.IO itself forgets them by the id in its packet, which is not ours to change.
    if (left > 0) timer = setTimeout(() => forgetAcks(this.local, packet.id!), timeout).unref();
  }
}

function isSocket(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { id, rooms, handshake } = value as { id?: unknown; rooms?: unknown; handshake?: unknown };
  return typeof id === "string" && Array.isArray(rooms) && typeof handshake === "object" && handshake !== null;
}

// The in-memory adapter behind SocketMeshAdapter: its methods as they are without the mesh.
import type { BroadcastOptions } from "socket.io-adapter";
import type { SocketIoPacket } from "./packets";

/** The part of a Socket.IO socket that is used here. */
export interface LocalSocket {
  readonly id: string;
  readonly handshake: Record<string, unknown>;
  readonly rooms: Set<string>;
  readonly data: unknown;
  readonly acks: Map<number, unknown>;
}

export interface Local {
  broadcastWithAck(
    packet: SocketIoPacket,
    opts: BroadcastOptions,
    clientCountCallback: (clientCount: number) => void,
    ack: (...args: unknown[]) => void,
  ): void;
  addSockets(opts: BroadcastOptions, rooms: string[]): void;
  delSockets(opts: BroadcastOptions, rooms: string[]): void;
  disconnectSockets(opts: BroadcastOptions, close: boolean): void;
  fetchSockets(opts: BroadcastOptions): Promise<LocalSocket[]>;
  serverSideEmit(args: unknown[]): void;
  hasListeners(event: string): boolean;
  /** Sockets of the namespace, for the removal of acknowledgements that nobody waits for. */
  sockets(): Iterable<LocalSocket>;
}

/** Forgets what clients were to acknowledge. */
export function forgetAcks(local: Local, packetId: number): void {
  for (const socket of local.sockets()) socket.acks.delete(packetId);
}

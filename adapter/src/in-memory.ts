// Two methods of Socket.IO's in-memory adapter that its types keep private, as SocketMeshAdapter overrides
// them: broadcast() encodes through the one and reaches its sockets through the other.
import { Adapter, type BroadcastOptions } from "socket.io-adapter";
import { EncodedPacket, ReceivedPacket, type Chunk, type SocketIoPacket } from "./packets";
import type { MessageId } from "./recovery-messages";

interface PacketOptions {
  wsPreEncodedFrame?: Buffer[];
}

type Encode = (this: Adapter, packet: SocketIoPacket, options: PacketOptions) => Chunk[];
type Apply = (this: Adapter, opts: BroadcastOptions, callback: (socket: object) => void) => void;

const inMemory = Adapter.prototype as unknown as { _encode: Encode; apply: Apply };

/** Who wants to know which messages were written to which sockets. */
interface Writing {
  /** The message that is being written now, asked for once; and whether some sockets have it already. */
  take(): MessageId | undefined;
  readonly late: boolean;
  had(socket: object, id: MessageId): boolean;
  /** It is about to have it. */
  secure(socket: object, id: MessageId): void;
  wrote(socket: object, id: MessageId): void;
}

/** A packet that was encoded before is not encoded again. */
const encodeOnce: Encode = function (packet, options) {
  if (!(packet instanceof EncodedPacket) && !(packet instanceof ReceivedPacket)) {
    return inMemory._encode.call(this, packet, options);
  }
  if (this.sids.size > 0) {
    const frame = packet.wsFrame();
    if (frame !== undefined) options.wsPreEncodedFrame = frame;
  }
  return packet.chunks;
};

/** Overrides both in a class of adapters whose instances have `writing` or not. */
export function overrideInMemory<A extends Adapter>(prototype: A, writingOf: (adapter: A) => Writing | undefined): void {
  const apply: Apply = function (opts, callback) {
    const writing = writingOf(this as A);
    const id = writing === undefined ? undefined : writing.take();
    if (id === undefined) {
      inMemory.apply.call(this, opts, callback);
      return;
    }
    const { late } = writing!;
    inMemory.apply.call(this, opts, (socket) => {
      if (late && writing!.had(socket, id)) return;
      writing!.secure(socket, id);
      callback(socket);
      writing!.wrote(socket, id);
    });
  };
  Object.defineProperty(prototype, "_encode", { value: encodeOnce, writable: true, configurable: true });
  Object.defineProperty(prototype, "apply", { value: apply, writable: true, configurable: true });
}

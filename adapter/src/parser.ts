// What the adapter has to know of the server's parser: its encoder, a decoder that turns whole
// packets back, and the fingerprint by which a mesh makes sure that there is one parser in it.
import { createHash } from "node:crypto";
import { WireError } from "./errors";
import { MAX_CHUNKS } from "./limits";
import type { Chunk, PacketDecoder, SocketIoPacket } from "./packets";

interface Decoder {
  on(event: "decoded", listener: (packet: SocketIoPacket) => void): unknown;
  add(chunk: unknown): void;
  destroy?(): void;
}

export interface Parser {
  Encoder: new () => { encode(packet: SocketIoPacket): Chunk[] };
  Decoder: new (options?: unknown) => Decoder;
}

/** The default parser's fingerprint: the name of the format, which every socket.io 4 has. */
export const DEFAULT_FINGERPRINT = "socket.io-parser@5";

/**
 * The parser of a server, and its fingerprint: socket.io's own, or for a custom one its encoder's
 * name and a digest of the source of its two classes. Where the source differs between builds of
 * one application, give createAdapter() the `parser` option instead.
 */
export function fingerprintOf(parser: Parser, custom: boolean): string {
  if (!custom) return DEFAULT_FINGERPRINT;
  const source = `${String(parser.Encoder)}\n${String(parser.Decoder)}`;
  const digest = createHash("sha256").update(source).digest("hex").slice(0, 16);
  return `${parser.Encoder.name || "parser"}@${digest}`;
}

/** A decoder of whole packets, made when first needed and made anew after a broken one. */
export class WholePacketDecoder implements PacketDecoder {
  private decoder: Decoder | undefined;
  private packet: SocketIoPacket | undefined;

  constructor(
    private readonly parser: Parser,
    private readonly custom: boolean,
  ) {}

  decode(chunks: readonly Chunk[]): SocketIoPacket {
    const decoder = (this.decoder ??= this.make());
    this.packet = undefined;
    try {
      for (const chunk of chunks) decoder.add(chunk);
      const packet = this.packet as SocketIoPacket | undefined;
      if (packet === undefined) throw new WireError("not a whole packet");
      return packet;
    } catch (error) {
      decoder.destroy?.();
      this.decoder = undefined;
      throw error;
    } finally {
      this.packet = undefined;
    }
  }

  private make(): Decoder {
    // The default limit of ten attachments is for clients; the chunks are here already.
    const decoder = this.custom ? new this.parser.Decoder() : new this.parser.Decoder({ maxAttachments: MAX_CHUNKS });
    decoder.on("decoded", (packet) => {
      this.packet = packet;
    });
    return decoder;
  }
}

// What the namespaces of one Socket.IO server share: the client and its dialer, the parser, the options.
// Begins with the first namespace and ends with the last.
import { parseAddress } from "./address";
import { Client } from "./client";
import type { ClientConfig, Endpoint } from "./contracts";
import { Dialer } from "./dialer";
import { WholePacketDecoder, type Parser } from "./parser";

export interface MeshServerConfig extends ClientConfig {
  readonly socket: string;
  readonly requestTimeoutMs: number;
}

export class MeshServer {
  readonly client: Client;
  readonly decoder: WholePacketDecoder;
  readonly requestTimeoutMs: number;
  private readonly dialer: Dialer;
  private over = false;

  /** Throws OptionError for an address that can't be. */
  constructor(config: MeshServerConfig, parser: Parser, custom: boolean) {
    this.client = new Client(config);
    this.dialer = new Dialer(parseAddress(config.socket), this.client);
    this.client.attach(this.dialer);
    this.decoder = new WholePacketDecoder(parser, custom);
    this.requestTimeoutMs = config.requestTimeoutMs;
  }

  /** Left the mesh, for ever: a later namespace needs another one. */
  get closed(): boolean {
    return this.over;
  }

  open(endpoint: Endpoint): void {
    this.client.register(endpoint);
    this.dialer.start();
  }

  async close(endpoint: Endpoint): Promise<void> {
    this.client.unregister(endpoint);
    if (this.client.endpoints.size > 0 || this.over) return;
    this.over = true;
    this.client.leave();
    await this.dialer.stop();
  }
}

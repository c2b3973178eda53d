// The connection to the sidecar: dials, reads into one buffer, dials again with backoff, for ever.
// A shell around net; what the bytes mean is the handler's. The connection and the timer of the next
// attempt keep the process alive, as those of any network client do; stop() ends both.
import * as net from "node:net";
import type { Address } from "./address";
import {
  CLOSE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  READ_BUFFER_BYTES,
  RECONNECT_MAX_MS,
  RECONNECT_MIN_MS,
  REFUSED_RETRY_MS,
  SILENCE_CHECK_MS,
  VOLATILE_BACKLOG_BYTES,
  WELCOME_TIMEOUT_MS,
} from "./limits";

/** One connection. write() returns false when to wait for drained(); `done`: the bytes are not read any more. */
export interface Link {
  write(bytes: Uint8Array, done?: () => void): boolean;
  cork(): void;
  uncork(): void;
  destroy(reason: string): void;
}

export interface LinkHandler {
  opened(link: Link): void;
  received(buffer: Buffer, length: number): void;
  drained(): void;
  /** The connection that was opened is gone; another attempt follows by itself. */
  closed(reason: string): void;
  /** An attempt failed before the connection was open. */
  failed(reason: string): void;
}

export class Dialer {
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  private socket: net.Socket | undefined;
  private timer: NodeJS.Timeout | undefined;
  private delay = RECONNECT_MIN_MS;
  private stopped = false;
  /** How long nothing came, and how long that is borne. Before the welcome nothing else counts. */
  private silentMs = 0;
  private patience = WELCOME_TIMEOUT_MS;

  constructor(
    private readonly address: Address,
    private readonly handler: LinkHandler,
  ) {}

  start(): void {
    if (this.socket === undefined && this.timer === undefined && !this.stopped) this.dial();
  }

  /** The sidecar welcomed us: the next loss is followed by a quick attempt. */
  welcomed(): void {
    this.delay = RECONNECT_MIN_MS;
    this.patience = IDLE_TIMEOUT_MS;
    this.silentMs = 0;
  }

  /** The sidecar refused us: the next attempt can wait. */
  refused(): void {
    this.delay = REFUSED_RETRY_MS;
  }

  /** Ends the connection once its bytes are written, and dials no more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    const socket = this.socket;
    if (socket === undefined) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
      socket.once("close", () => {
        clearTimeout(late);
        resolve();
      });
      if (socket.connecting) socket.destroy();
      else socket.end();
    });
  }

  private dial(): void {
    let open = false;
    let reason = "closed by the sidecar";
    const options: net.NetConnectOpts & { writableHighWaterMark: number } = {
      ...this.address,
      noDelay: true,
      writableHighWaterMark: VOLATILE_BACKLOG_BYTES,
      onread: {
        buffer: this.buffer,
        callback: (length: number): boolean => {
          if (this.patience === IDLE_TIMEOUT_MS) this.silentMs = 0;
          this.handler.received(this.buffer, length);
          return true;
        },
      },
    };
    const socket = net.connect(options);
    this.socket = socket;
    this.silentMs = 0;
    this.patience = WELCOME_TIMEOUT_MS;
    // Not socket.setTimeout(), which costs something at every read and write. A process that was blocked
    // for long counts one step, and then reads what has come.
    const watch = setInterval(() => {
      this.silentMs += SILENCE_CHECK_MS;
      if (this.silentMs < this.patience) return;
      reason = this.patience === IDLE_TIMEOUT_MS ? "the sidecar is silent" : "no welcome in time";
      socket.destroy();
    }, SILENCE_CHECK_MS);
    watch.unref();
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("connect", () => {
      open = true;
      this.handler.opened({
        write: (bytes, done) => socket.write(bytes, done),
        cork: () => socket.cork(),
        uncork: () => socket.uncork(),
        destroy: (why) => {
          reason = why;
          socket.destroy();
        },
      });
    });
    socket.on("drain", () => this.handler.drained());
    socket.on("close", () => {
      clearInterval(watch);
      this.socket = undefined;
      if (!this.stopped) this.dialLater();
      if (open) this.handler.closed(reason);
      else this.handler.failed(reason);
    });
  }

  private dialLater(): void {
    // Half to all of the delay: the servers of one host don't come back in step.
    const wait = this.delay * (0.5 + Math.random() / 2);
    this.delay = this.delay >= RECONNECT_MAX_MS ? RECONNECT_MAX_MS : Math.min(this.delay * 2, RECONNECT_MAX_MS);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.dial();
    }, wait);
  }
}

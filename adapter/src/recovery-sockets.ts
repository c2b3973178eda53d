// What recovery knows of Socket.IO's insides: the part of a socket that it touches, and the three methods
// of a namespace that it wraps. Checked against socket.io 4.7 to 4.8.
import type { LocalSocket } from "./local";
import type { Chunk } from "./packets";

export interface EngineConnection {
  readonly protocol: number;
  readonly readyState: string;
  readonly transport?: { readonly writable?: boolean };
  close(discard: boolean): void;
  once(event: "close", listener: () => void): void;
}

export interface SocketClient {
  readonly conn: EngineConnection;
  writeToEngine(chunks: Chunk[], options: { preEncoded: true; compress?: boolean | undefined }): void;
  onclose(reason: string): void;
}

export interface RecoverableSocket extends LocalSocket {
  readonly pid: string | undefined;
  readonly recovered: boolean;
  readonly client: SocketClient;
  _cleanup(): void;
}

export type Auth = Record<string, unknown>;
type Connected = (socket: RecoverableSocket) => void;

export interface RecoverableNamespace {
  readonly name: string;
  readonly sockets: Map<string, RecoverableSocket>;
  readonly _preConnectSockets: Map<string, RecoverableSocket>;
  _createSocket(client: SocketClient, auth: Auth): Promise<RecoverableSocket>;
  _doConnect(socket: RecoverableSocket, fn?: Connected): void;
  _remove(socket: RecoverableSocket): void;
}

export interface NamespaceHooks {
  /** A socket was made; its middlewares are next. */
  created(socket: RecoverableSocket): void;
  /** CONNECT is written, and no listener has run. */
  connected(socket: RecoverableSocket): void;
  /** The socket is gone, whether it was connected or not. */
  removed(socket: RecoverableSocket): void;
}

const hooked = new WeakMap<RecoverableNamespace, { hooks: NamespaceHooks }>();

/** Wraps the namespace's methods; a later adapter of the same namespace takes the earlier one's place. */
export function hook(nsp: RecoverableNamespace, hooks: NamespaceHooks): void {
  const known = hooked.get(nsp);
  if (known !== undefined) {
    known.hooks = hooks;
    return;
  }
  const current = { hooks };
  hooked.set(nsp, current);
  const create = nsp._createSocket.bind(nsp);
  const connect = nsp._doConnect.bind(nsp);
  const remove = nsp._remove.bind(nsp);
  nsp._createSocket = async (client, auth) => {
    // A client that has seen no event has no offset, and Socket.IO would not ask for its session.
    const idle = typeof auth["pid"] === "string" && typeof auth["offset"] !== "string";
    const socket = await create(client, idle ? { ...auth, offset: "" } : auth);
    if (idle) socket.handshake["auth"] = auth;
    current.hooks.created(socket);
    return socket;
  };
  nsp._doConnect = (socket, fn) =>
    connect(socket, (connected) => {
      fn?.(connected);
      current.hooks.connected(connected);
    });
  nsp._remove = (socket) => {
    remove(socket);
    current.hooks.removed(socket);
  };
}

/** Whether what it is given now leaves the process at once, and does not wait for what was written before. */
export function writesNow({ client }: RecoverableSocket): boolean {
  return client.conn.transport?.writable !== false;
}

/** Closes a socket whose client is elsewhere, in this turn. */
export function closeNow(socket: RecoverableSocket): void {
  const { client } = socket;
  client.conn.close(true);
  // A transport that is closing already does not say when it is done.
  if (client.conn.readyState !== "closed") client.onclose("forced close");
}

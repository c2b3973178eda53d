// @socketmesh/adapter: Socket.IO over a mesh of sidecars.
export { SocketMeshAdapter } from "./adapter";
export { DEFAULT_SOCKET } from "./address";
export { createAdapter, type AdapterClass, type SocketMeshOptions } from "./create";
export { OptionError, ValueError, WireError } from "./errors";
export type { AdapterEvents, Gap, Log, LogLevel, Peer } from "./events";
export * as limits from "./limits";
export type { MeshServer } from "./server";

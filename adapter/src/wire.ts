// The constants of docs/protocol.md: frame types, DATA header, flags, route kinds, message kinds.

export const APP_PROTOCOL_VERSION = 1;

/** Frame types, app to sidecar. */
export const enum Out {
  Attach = 0x01,
  NspOpen = 0x02,
  NspClose = 0x03,
  Interest = 0x04,
  Sync = 0x05,
  Taken = 0x06,
  Detach = 0x07,
  Pong = 0x08,
  Ready = 0x09,
}

/** Frame types, sidecar to app. */
export const enum In {
  Welcome = 0x21,
  Refused = 0x22,
  MemberUp = 0x23,
  MemberDown = 0x24,
  Presence = 0x25,
  Routed = 0x26,
  Taken = 0x27,
  Synced = 0x28,
  Gap = 0x29,
  Ping = 0x2a,
  Restored = 0x30,
  Replay = 0x31,
  CloseSession = 0x32,
}

export const DATA = 0x40;
/** Bytes of a DATA frame before its route section, the length field included. */
export const DATA_HEADER_BYTES = 28;

export const enum Flag {
  Volatile = 0x01,
  WantsRouted = 0x02,
  Provisional = 0x04,
  CompressSet = 0x08,
  CompressValue = 0x10,
  Release = 0x20,
  /** A broadcast whose packet ends with its offset; its body ends with the order. */
  Logged = 0x40,
  /** For the own sidecar alone; its body ends with the order. */
  Home = 0x80,
}

/** Bytes of the order: u16 attachment, u48 frames delivered on it. */
export const ORDER_BYTES = 8;

export const enum RouteKind {
  Rooms = 0,
  Namespace = 1,
  Member = 2,
  Mesh = 3,
}

export const enum Kind {
  Broadcast = 1,
  BroadcastAck = 2,
  SocketsJoin = 3,
  SocketsLeave = 4,
  DisconnectSockets = 5,
  FetchSockets = 6,
  ServerSideEmit = 7,
  Response = 8,
  Gap = 9,
  Joined = 10,
  Session = 11,
}

/** What a frame of kind Session says. */
export const enum SessionOp {
  Open = 1,
  Join = 2,
  Leave = 3,
  Data = 4,
  Close = 5,
  End = 6,
  Last = 7,
  Restore = 8,
  AllWritten = 9,
}

export const enum Part {
  Partial = 0,
  Final = 1,
  /** Final, without a value: the request came again, and nothing more will follow. */
  Nothing = 2,
}

/** Names of MEMBER_DOWN reasons and GAP reasons, for people. */
export const DOWN_REASONS = ["unknown", "left", "died", "unreachable"] as const;
export const GAP_REASONS = [
  "unknown",
  "member queue full",
  "link window full",
  "hold ended",
  "stream lost",
] as const;

export const TWO_32 = 0x1_0000_0000;

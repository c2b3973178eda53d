// Errors of the adapter. None of them is thrown out of a data handler: WireError is caught where a
// frame is handled, counted, and told through the `protocol-error` event.

/** Bytes from the wire that are not what the protocol says. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** A socket address, or another option, that can't be used. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

/** A value that can't be sent to another server (too deep, circular). */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

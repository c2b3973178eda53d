// Room and namespace names on the wire.
//
// A name travels as UTF-8, and interest is compared by its bytes. Two kinds of names have no UTF-8
// of their own: strings with a lone surrogate, and the numbers that many applications use as rooms
// (`socket.join(42)`, which is not the room "42"). Both are escaped as JSON behind a prefix that no
// other name has, so that every name comes back as exactly what it was.

const ESCAPE = "\u0000u:";
const LONE_SURROGATE = /\p{Surrogate}/u;

export function toWireName(name: unknown): string {
  if (typeof name === "string") {
    if (!name.startsWith(ESCAPE) && !LONE_SURROGATE.test(name)) return name;
    return ESCAPE + JSON.stringify(name);
  }
  return ESCAPE + (typeof name === "number" ? String(name) : JSON.stringify(String(name)));
}

/** The inverse; a broken escape is an ordinary name that nobody has joined. */
export function fromWireName(wire: string): string {
  if (wire.charCodeAt(0) !== 0 || !wire.startsWith(ESCAPE)) return wire;
  const rest = wire.slice(ESCAPE.length);
  try {
    const name: unknown = rest === "NaN" ? NaN : JSON.parse(rest);
    if (typeof name === "string" || typeof name === "number") return name as string;
  } catch {
    // Not an escape of ours.
  }
  return wire;
}

// Where the sidecar listens: `unix:/path`, `tcp://host:port` (brackets around IPv6), or a bare path.
import { OptionError } from "./errors";

export const DEFAULT_SOCKET = "unix:/var/run/socketmesh/app.sock";

export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** Throws OptionError. */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return unixPath(text, text.slice("unix:".length));
  if (text.startsWith("/")) return unixPath(text, text);
  const tcp = /^tcp:\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]+)):(\d{1,5})\/?$/.exec(text);
  const port = Number(tcp?.[3]);
  if (tcp === null || port < 1 || port > 65_535) {
    throw new OptionError(`socket "${text}": want unix:/path or tcp://host:port`);
  }
  return { host: (tcp[1] ?? tcp[2]), port };
}

function unixPath(text: string, path: string): Address {
  const plain = path.startsWith("//") ? path.slice(2) : path;
  if (plain.length === 0 || plain.includes("\0")) throw new OptionError(`socket "${text}": no path`);
  return { path: plain };
}

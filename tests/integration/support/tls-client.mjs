// TLS clients of a sidecar's ports, with any certificate or none.
import { once } from "node:events";
import * as https from "node:https";
import * as tls from "node:tls";

// The mesh never compares addresses, and the tests are about what the sidecar accepts.
const client = ({ ca, cert, key } = {}) => ({ ca, cert, key, rejectUnauthorized: ca !== undefined, checkServerIdentity: () => undefined });

/**
 * Dials a link port as a sidecar would, and resolves when the sidecar says hello, with its certificate.
 * Rejects when it refuses: in TLS 1.3 that comes after the handshake.
 */
export async function dialLink(port, certificates, protocol = "socketmesh/1") {
  const socket = tls.connect({ host: "127.0.0.1", port, ALPNProtocols: [protocol], ...client(certificates) });
  try {
    await Promise.race([
      once(socket, "data"),
      once(socket, "end").then(() => {
        throw new Error("closed without a word");
      }),
    ]);
    return socket.getPeerX509Certificate();
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}

/** GET over TLS from the admin port. @returns its status code and text */
export async function getByTls(port, path, certificates, options = {}) {
  const request = https.get({ host: "127.0.0.1", port, path, agent: false, ...client(certificates), ...options });
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, text };
}

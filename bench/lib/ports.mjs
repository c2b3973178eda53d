// TCP ports on the loopback address.
import { connect } from "node:net";

export { freePorts } from "../../tests/support/ports.mjs";

/** Whether something accepts connections on that port. */
export function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

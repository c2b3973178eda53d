// Free TCP ports on the loopback address.
import { connect, createServer } from "node:net";

/** `count` different ports that were free a moment ago. */
export async function freePorts(count) {
  const holders = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve, reject) => {
          const holder = createServer();
          holder.once("error", reject);
          holder.listen(0, "127.0.0.1", () => resolve(holder));
        }),
    ),
  );
  const ports = holders.map((holder) => holder.address().port);
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))));
  return ports;
}

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

// An Engine.IO connection without a network, under a real Socket.IO client: thousands of sessions in one
// process, whose cost is that of the server and its adapter alone.
import { EventEmitter } from "node:events";
import { fileURLToPath } from "node:url";

const kClient = fileURLToPath(new URL("../node_modules/socket.io/dist/client.js", import.meta.url));
const { Client } = (await import(kClient)).default;
const kRequest = { headers: {}, connection: {}, _query: {} };

let made = 0;

export class FakeConnection extends EventEmitter {
  id = `c${++made}`;
  protocol = 4;
  readyState = "open";
  transport = { writable: true };
  request = kRequest;
  remoteAddress = "127.0.0.1";
  offset;
  events = 0;

  constructor(io) {
    super();
    this.client = new Client(io, this);
  }

  /** Resolves to {sid, pid} once the server has written CONNECT. */
  connect(auth) {
    return new Promise((resolve) => {
      this.onConnected = resolve;
      this.emit("data", auth === undefined ? "0" : `0${JSON.stringify(auth)}`);
    });
  }

  write(data) {
    if (data.startsWith("0{")) {
      const { sid, pid } = JSON.parse(data.slice(1));
      this.onConnected({ sid, pid });
    } else if (data.startsWith("2[")) {
      this.events++;
      this.offset = JSON.parse(data.slice(1)).at(-1);
    }
  }

  close() {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.emit("close", "forced close");
  }

  lose() {
    this.readyState = "closed";
    this.emit("close", "transport close");
  }
}

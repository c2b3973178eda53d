// A sidecar in this process, for what a real one can't be made to show: exact bytes, hostile frames,
// refusals, answers held back. It relays nothing by itself; a test says what it answers.
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Reader, frame, id, parseData, string, u16, u32, u64, varint } from "./wire.mjs";

export const TYPES = {
  ATTACH: 0x01, NSP_OPEN: 0x02, NSP_CLOSE: 0x03, INTEREST: 0x04, SYNC: 0x05, TAKEN: 0x06,
  DETACH: 0x07, PONG: 0x08, READY: 0x09, DATA: 0x40,
};

export class FakeSidecar extends EventEmitter {
  /** @param window with it, in ms, its recovery is on */
  constructor({ welcome = true, window } = {}) {
    super();
    this.welcome = welcome;
    this.window = window;
    this.directory = mkdtempSync(join(tmpdir(), "fake-sidecar-"));
    this.path = join(this.directory, "app.sock");
    this.address = `unix:${this.path}`;
    this.attachments = [];
    this.server = net.createServer((socket) => this.#accept(socket));
  }

  async listen() {
    this.server.listen(this.path);
    await once(this.server, "listening");
    return this;
  }

  async close() {
    for (const attachment of this.attachments) attachment.socket.destroy();
    if (this.server.listening) await new Promise((done) => this.server.close(done));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Ends the listening and every connection, as a kill would. */
  async die() {
    for (const attachment of this.attachments) attachment.socket.destroy();
    await new Promise((done) => this.server.close(done));
    rmSync(this.path, { force: true });
  }

  async attachment() {
    const [attachment] = await once(this, "attachment");
    return attachment;
  }

  #accept(socket) {
    const attachment = new Attachment(socket);
    this.attachments.push(attachment);
    attachment.on("frame", (type) => {
      if (type === TYPES.ATTACH && this.welcome) attachment.sendWelcome(undefined, this.window);
      if (type === TYPES.READY) this.emit("attachment", attachment);
    });
    this.emit("connection", attachment);
  }
}

class Attachment extends EventEmitter {
  constructor(socket) {
    super();
    this.socket = socket;
    this.frames = [];
    this.pending = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => this.#read(bytes));
  }

  get member() {
    const attach = this.frames.find(({ type }) => type === TYPES.ATTACH);
    return attach.bytes.toString("hex", 3, 11);
  }

  /** Frames of one type, as bytes from the type on. */
  of(type) {
    return this.frames.filter((each) => each.type === type).map((each) => each.bytes);
  }

  data() {
    return this.of(TYPES.DATA).map(parseData);
  }

  async waitFor(predicate, what = "a frame", timeout = 2000) {
    const until = Date.now() + timeout;
    for (;;) {
      const found = predicate(this);
      if (found !== undefined && found !== false) return found;
      if (Date.now() > until) throw new Error(`timed out waiting for ${what}`);
      await new Promise((done) => setTimeout(done, 2));
    }
  }

  waitData(kind, count = 1) {
    return this.waitFor(() => {
      const found = this.data().filter((each) => each.kind === kind);
      return found.length >= count && found;
    }, `${count} DATA frames of kind ${kind}`);
  }

  send(...bytes) {
    this.socket.write(Buffer.concat(bytes));
  }

  sendWelcome(maxFrame = 20 * 1024 * 1024, window = undefined) {
    const recovery = window == null ? [] : [1, u32(window)];
    this.send(frame(0x21, 1, u64(7), string("sidecar-a"), string("chat"), u32(maxFrame), ...recovery));
  }

  refuse(code, message) {
    this.send(frame(0x22, u16(code), string(message)));
    this.socket.end();
  }

  memberUp(member, namespaces = ["/"], sidecar = "sidecar-b") {
    this.send(frame(0x23, id(member), string(sidecar), string(`host:${member.slice(0, 4)}`), varint(namespaces.length), ...namespaces.map(string)));
  }

  memberDown(member, reason = 2) {
    this.send(frame(0x24, id(member), reason));
  }

  presence(member, op, nsp) {
    this.send(frame(0x25, id(member), op, string(nsp)));
  }

  routed(seq, members) {
    this.send(frame(0x26, u64(seq), varint(members.length), ...members.map(id)));
  }

  taken(seq) {
    this.send(frame(0x27, u64(seq)));
  }

  synced(syncId, status = 0) {
    this.send(frame(0x28, u32(syncId), status));
  }

  gap(frames, messages, reason, where) {
    this.send(frame(0x29, u64(frames), u64(messages), reason, string(where)));
  }

  #read(bytes) {
    this.pending = Buffer.concat([this.pending, bytes]);
    while (this.pending.length >= 4) {
      const length = this.pending.readUInt32LE(0);
      if (this.pending.length < 4 + length) return;
      const frameBytes = Buffer.from(this.pending.subarray(4, 4 + length));
      this.pending = this.pending.subarray(4 + length);
      this.frames.push({ type: frameBytes[0], bytes: frameBytes });
      this.emit("frame", frameBytes[0], frameBytes);
    }
  }
}

export { Reader };

// The package as others get it: by import, by require, with types, and out of the way at the end.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FakeSidecar } from "./support/fake-sidecar.mjs";

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));

describe("the package", () => {
  let directory;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "socketmesh-package-"));
    mkdirSync(join(directory, "node_modules/@socketmesh"), { recursive: true });
    symlinkSync(root, join(directory, "node_modules/@socketmesh/adapter"));
    for (const name of ["socket.io", "socket.io-adapter", "@types"]) {
      symlinkSync(join(root, "node_modules", name), join(directory, "node_modules", name));
    }
  });
  after(() => rmSync(directory, { recursive: true }));

  const script = (name, text) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  it("is one and the same by import and by require", async () => {
    const path = script("same.mjs", `
      import { createRequire } from "node:module";
      import * as esm from "@socketmesh/adapter";
      const cjs = createRequire(import.meta.url)("@socketmesh/adapter");
      for (const name of Object.keys(cjs)) if (cjs[name] !== esm[name]) throw new Error(name);
      console.log(Object.keys(esm).sort().join());
    `);
    const { stdout } = await run(process.execPath, [path]);
    assert.equal(stdout.trim(), "DEFAULT_SOCKET,OptionError,SocketMeshAdapter,ValueError,WireError,createAdapter,limits");
  });

  it("has types for both, and fits Socket.IO's", async () => {
    const text = `
      import { Server } from "socket.io";
      import { createAdapter, SocketMeshAdapter, type Peer, type SocketMeshOptions } from "@socketmesh/adapter";
      class Mine extends SocketMeshAdapter {
        override broadcast(packet: any, opts: any): void { super.broadcast(packet, opts); }
        protected override deliver(packet: any, opts: any, origin: string, seq: number): void { super.deliver(packet, opts, origin, seq); }
      }
      const options: SocketMeshOptions = { socket: "unix:/a", adapterClass: Mine };
      const io = new Server({ adapter: createAdapter(options) });
      io.adapter(createAdapter());
      io.of("/").adapter.on("peer-up", (peer: Peer) => peer.id.length);
    `;
    const files = [script("types.mts", text), script("types.cts", text)];
    const tsc = require.resolve("typescript/bin/tsc");
    await run(process.execPath, [tsc, "--noEmit", "--strict", "--skipLibCheck", "--module", "NodeNext", "--types", "node", ...files], { cwd: directory });
  });

  it("refuses options that can't be, by name", async () => {
    const { createAdapter } = require("../dist/index.js");
    for (const [options, what] of [
      [{ socket: "http://x" }, /unix:\/path or tcp/],
      [{ bufferBytes: 10 }, /bufferBytes/],
      [{ requestTimeout: "5" }, /requestTimeout/],
      [{ detachedGrace: -1 }, /detachedGrace/],
      [{ maxPublishBytes: NaN }, /maxPublishBytes/],
    ]) {
      assert.throws(() => createAdapter(options), { name: "OptionError", message: what });
    }
  });

  const closing = (address) => `
    const { Server } = require("socket.io");
    const { createAdapter } = require("@socketmesh/adapter");
    const io = new Server(0, { adapter: createAdapter({ socket: "${address}", log() {} }) });
    io.of("/other");
    io.emit("x");
    void io.timeout(300).emitWithAck("y").catch(() => undefined);
    setTimeout(() => io.close(), 100);
  `;

  it("lets the process end after io.close(), with a sidecar and without", async () => {
    const fake = await new FakeSidecar().listen();
    try {
      fake.on("connection", ({ socket }) => socket.on("end", () => socket.end()));
      for (const address of [fake.address, `unix:${directory}/nothing.sock`]) {
        await run(process.execPath, [script("close.cjs", closing(address))], { timeout: 10_000 });
      }
    } finally {
      await fake.close();
    }
  });

  it("keeps a process alive that does nothing but wait for the mesh", async () => {
    const path = script("worker.cjs", `
      const { Server } = require("socket.io");
      const { createAdapter } = require("@socketmesh/adapter");
      new Server({ adapter: createAdapter({ socket: "unix:${directory}/nothing.sock", log() {} }) });
    `);
    await assert.rejects(run(process.execPath, [path], { timeout: 700 }), { killed: true });
  });
});

// The demo's own life: Ctrl-C, signals, its sudden death, ports in use.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePorts } from "../support/ports.mjs";
import { childrenOf, Demo, isAlive, until } from "./demo.mjs";

const RUN = fileURLToPath(new URL("../../demo/run.mjs", import.meta.url));
const runDirs = (pid) => readdirSync(tmpdir()).filter((name) => name.startsWith(`socketmesh-demo-${pid}-`));

async function startWithChildren() {
  const demo = await Demo.start();
  const pids = childrenOf(demo.pid).map(({ pid }) => pid);
  assert.equal(pids.length, 6, "three servers, three sidecars");
  assert.equal(runDirs(demo.pid).length, 1);
  return { demo, pids };
}

for (const [what, end] of [
  ["Ctrl-C", (demo) => process.kill(-demo.pid, "SIGINT")],
  ["SIGTERM", (demo) => process.kill(demo.pid, "SIGTERM")],
]) {
  test(`${what} ends everything, with exit code 0 and nothing left behind`, async () => {
    const { demo, pids } = await startWithChildren();
    end(demo);
    assert.deepEqual(await demo.exited, { code: 0, signal: null });
    assert.deepEqual(pids.filter(isAlive), []);
    assert.deepEqual(runDirs(demo.pid), []);
    assert.doesNotMatch(demo.output, /again in one second/, "an end is not a crash");
  });
}

test("nothing outlives a demo that is killed, and the next one cleans up", async () => {
  const { demo, pids } = await startWithChildren();
  process.kill(demo.pid, "SIGKILL");
  await demo.exited;
  await until("its children to end", () => pids.filter(isAlive).length === 0, 5000);
  assert.equal(runDirs(demo.pid).length, 1);
  const next = await Demo.start();
  assert.deepEqual(runDirs(demo.pid), []);
  await next.stop();
});

test("a port in use is named with its owner, and nothing is started", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address();
  const ports = await freePorts(8);
  const env = {
    ...process.env,
    DEMO_CHAT_PORTS: ports.slice(0, 3).join(),
    DEMO_LINK_PORTS: ports.slice(3, 6).join(),
    DEMO_ADMIN_PORTS: [...ports.slice(6), port].join(),
  };
  const demo = spawn(process.execPath, [RUN], { env, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  demo.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const [code] = await once(demo, "close");
  taken.close();
  assert.equal(code, 2);
  assert.match(errors, new RegExp(`127\\.0\\.0\\.1:${port} is not free: used by .*pid ${process.pid}`));
});

test("settings that cannot be, and a missing sidecar, are named", async () => {
  for (const [env, message] of [
    [{ DEMO_CHAT_PORTS: "3001,x,3003" }, /DEMO_CHAT_PORTS: "x" is not a port/],
    [{ DEMO_SIDECAR: "/nowhere/sidecar" }, /\/nowhere\/sidecar is missing; `make build` makes it/],
  ]) {
    const demo = spawn(process.execPath, [RUN], { env: { ...process.env, ...env } });
    let errors = "";
    demo.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
    const [code] = await once(demo, "close");
    assert.equal(code, 2);
    assert.match(errors, message);
  }
});

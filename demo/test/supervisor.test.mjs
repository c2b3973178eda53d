import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { PassThrough } from "node:stream";
import test from "node:test";
import { eachLine, Supervisor } from "../supervisor.mjs";

/** Processes that end when told to, and a clock that moves when told to. */
function world({ pid = () => 100 } = {}) {
  const timers = new Map();
  let nextTimer = 1;
  const spawned = [];
  const log = [];
  const supervisor = new Supervisor({
    spawn: (place) => {
      const child = new EventEmitter();
      child.place = place;
      child.pid = pid(spawned.length);
      child.signals = [];
      child.kill = (signal) => child.signals.push(signal);
      spawned.push(child);
      return child;
    },
    onStart: (name, id) => log.push(`${name} started ${id}`),
    onExit: (name, how) => log.push(`${name} ended: ${how}`),
    onLine: (name, line) => log.push(`${name}: ${line}`),
    timers: {
      setTimeout: (call, ms) => {
        timers.set(nextTimer, { call, ms });
        return nextTimer++;
      },
      clearTimeout: (id) => timers.delete(id),
    },
  });
  const fire = () => {
    const due = [...timers.values()];
    timers.clear();
    for (const { call } of due) call();
  };
  return { supervisor, spawned, log, timers, fire };
}

test("a process that ends is started again after a second, never before it ended", () => {
  const { supervisor, spawned, timers, fire, log } = world({ pid: (n) => 100 + n });
  supervisor.keep("server 1", { port: 1 });
  assert.equal(timers.size, 0);
  spawned[0].emit("exit", null, "SIGKILL");
  assert.deepEqual([...timers.values()].map(({ ms }) => ms), [1000]);
  assert.equal(spawned.length, 1);
  fire();
  assert.equal(spawned.length, 2);
  assert.deepEqual(spawned[1].place, { port: 1 });
  assert.deepEqual(log, ["server 1 started 100", "server 1 ended: SIGKILL", "server 1 started 101"]);
  spawned[1].emit("exit", 2, null);
  assert.equal(log.at(-1), "server 1 ended: exit code 2");
});

test("a process that cannot be started is tried again, once an attempt", () => {
  const { supervisor, spawned, timers, log } = world({ pid: () => undefined });
  supervisor.keep("sidecar 1", {});
  spawned[0].emit("error", new Error("spawn ENOENT"));
  spawned[0].emit("error", new Error("again"));
  assert.deepEqual(log, ["sidecar 1 ended: spawn ENOENT"]);
  assert.equal(timers.size, 1);
  assert.equal(supervisor.pids().size, 0);
});

test("an error of a living process (a failed kill) is not its end", () => {
  const { supervisor, spawned, timers } = world();
  supervisor.keep("server 1", {});
  spawned[0].emit("error", new Error("kill EPERM"));
  assert.equal(timers.size, 0);
  assert.deepEqual([...supervisor.pids()], [["server 1", 100]]);
});

test("stop asks every process, waits, and starts nothing any more", async () => {
  const { supervisor, spawned, timers } = world();
  supervisor.keep("a", {});
  supervisor.keep("b", {});
  supervisor.keep("c", {});
  spawned[2].emit("exit", 1, null);
  const stopped = supervisor.stop();
  assert.equal(supervisor.stop(), stopped);
  assert.deepEqual([...timers.values()].map(({ ms }) => ms), [3000]);
  assert.deepEqual(spawned.map((child) => child.signals), [["SIGTERM"], ["SIGTERM"], []]);
  spawned[0].emit("exit", 0, null);
  spawned[1].emit("exit", null, "SIGTERM");
  await stopped;
  assert.equal(timers.size, 0);
  assert.equal(spawned.length, 3);
});

test("what does not end in time is killed", async () => {
  const { supervisor, spawned, fire } = world();
  supervisor.keep("a", {});
  const stopped = supervisor.stop();
  fire();
  assert.deepEqual(spawned[0].signals, ["SIGTERM", "SIGKILL"]);
  spawned[0].emit("exit", null, "SIGKILL");
  await stopped;
});

test("a name has one place", () => {
  const { supervisor } = world();
  supervisor.keep("a", {});
  assert.throws(() => supervisor.keep("a", {}), /kept already/);
});

test("real processes: output by lines, a restart after SIGKILL, an end", async () => {
  const events = new EventEmitter();
  const supervisor = new Supervisor({
    spawn: ({ script }) => spawn(process.execPath, ["-e", script]),
    onStart: (name, pid) => events.emit("start", pid),
    onExit: (name, how) => events.emit("end", how),
    onLine: (name, line) => events.emit("line", line),
  });
  supervisor.keep("n", { script: `console.log("up"); setInterval(() => {}, 1000)` });
  const [first] = [...supervisor.pids().values()];
  assert.deepEqual(await once(events, "line"), ["up"]);
  const begin = performance.now();
  process.kill(first, "SIGKILL");
  assert.deepEqual(await once(events, "end"), ["SIGKILL"]);
  const [second] = await once(events, "start");
  assert.notEqual(second, first);
  assert.ok(performance.now() - begin >= 990);
  await once(events, "line");
  await supervisor.stop();
  assert.equal(supervisor.pids().size, 0);
  assert.throws(() => process.kill(second, 0), { code: "ESRCH" });
});

test("lines: split anywhere, the last one without an end, a long one cut", async () => {
  const stream = new PassThrough();
  const lines = [];
  eachLine(stream, (line) => lines.push(line));
  for (const part of ["a", "b\nc\n\n", `${"x".repeat(3000)}`, "y\nlast"]) stream.write(part);
  stream.end();
  await once(stream, "end");
  assert.deepEqual(lines, ["ab", "c", "x".repeat(2000), "last"]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { inheritedEnvironment, layoutFrom, SettingError, sidecarConfig } from "../layout.mjs";
import { busyPorts, makeRunDir } from "../preflight.mjs";

test("the ports that DESIGN.md promises", () => {
  const layout = layoutFrom({});
  assert.deepEqual(layout.map((server) => server.chatPort), [3001, 3002, 3003]);
  assert.deepEqual(layout.map((server) => server.linkPort), [7400, 7410, 7420]);
  assert.deepEqual(layout.map((server) => server.adminPort), [7401, 7411, 7421]);
  assert.deepEqual(layout[1].peers, [7400, 7420]);
});

test("other ports, other sizes", () => {
  const layout = layoutFrom({
    DEMO_CHAT_PORTS: "1, 2",
    DEMO_LINK_PORTS: "3,4",
    DEMO_ADMIN_PORTS: "5,6",
  });
  assert.deepEqual(layout[1], { index: 2, chatPort: 2, linkPort: 4, adminPort: 6, peers: [3] });
});

test("settings that cannot be are named", () => {
  const refused = [
    [{ DEMO_CHAT_PORTS: "x,2,3" }, /DEMO_CHAT_PORTS: "x" is not a port/],
    [{ DEMO_CHAT_PORTS: "1,2,70000" }, /"70000" is not a port/],
    [{ DEMO_CHAT_PORTS: "1,2" }, /DEMO_LINK_PORTS is missing/],
    [{ DEMO_LINK_PORTS: "1,2" }, /DEMO_LINK_PORTS names 2 ports for 3/],
    [{ DEMO_LINK_PORTS: "3001,8,9" }, /port 3001 is given twice/],
    [{ DEMO_CHAT_PORTS: "1,2,3,4,5,6,7,8,9,10" }, /more than 9/],
    [{ DEMO_REPLICAS: "6" }, /DEMO_REPLICAS: "6" is not 0 to 5/],
  ];
  for (const [env, message] of refused) {
    assert.throws(() => layoutFrom(env), (error) => {
      assert.ok(error instanceof SettingError);
      assert.match(error.message, message);
      return true;
    });
  }
});

test("a sidecar's configuration", () => {
  assert.equal(
    sidecarConfig(layoutFrom({})[0], "/run/1.sock"),
    `mesh: {name: demo, id: sidecar-1}
app: {listen: "unix:/run/1.sock"}
link: {listen: "127.0.0.1:7400"}
admin: {listen: "127.0.0.1:7401"}
discovery:
  static: ["127.0.0.1:7410", "127.0.0.1:7420"]
recovery: {window: 120s}
log: {level: warn}
`,
  );
  assert.match(sidecarConfig(layoutFrom({ DEMO_REPLICAS: "1" })[0], "s"), /^recovery: .window: 120s, replicas: 1.$/m);
});

test("children inherit no settings of another sidecar, but how much to log", () => {
  const env = { PATH: "/bin", SOCKETMESH_LINK_LISTEN: "x", SOCKETMESH_SOCKET: "y", SOCKETMESH_LOG_LEVEL: "debug" };
  assert.deepEqual(inheritedEnvironment(env), { PATH: "/bin", SOCKETMESH_LOG_LEVEL: "debug" });
});

test("a port in use is named with its owner", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address();
  const busy = await busyPorts("127.0.0.1", [port]);
  assert.deepEqual(busy.map((entry) => entry.port), [port]);
  assert.match(busy[0].why, new RegExp(`^used by .+ \\(pid ${process.pid}\\)$`));
  server.close();
  await once(server, "close");
  assert.deepEqual(await busyPorts("127.0.0.1", [port]), []);
});

test("run directories of runs that are gone are removed, those of living ones are not", async (t) => {
  const parent = await mkdtemp(join(tmpdir(), "demo-test-"));
  t.after(() => rm(parent, { recursive: true }));
  const gone = spawn(process.execPath, ["-e", ""]);
  await once(gone, "exit");
  await mkdir(join(parent, `socketmesh-demo-${gone.pid}-a`));
  await mkdir(join(parent, `socketmesh-demo-${process.ppid}-b`));
  await mkdir(join(parent, "something-else"));
  const made = await makeRunDir(parent);
  assert.match(made, new RegExp(`/socketmesh-demo-${process.pid}-`));
  const names = (await readdir(parent)).map((name) => name.replace(/-\w+$/, ""));
  assert.deepEqual(names.sort(), [
    "something",
    `socketmesh-demo-${process.pid}`,
    `socketmesh-demo-${process.ppid}`,
  ].sort());
});

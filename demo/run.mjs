// `make demo`: three chat servers with a sidecar each on this machine, until Ctrl-C.
//
// Exit codes: 0 ended by SIGINT, SIGTERM or SIGHUP · 2 could not start (what is missing is named).
// Nothing that is started here outlives this process: it ends its children, servers also end when
// their stdin closes, and where `setpriv` is there (util-linux, so everywhere on Debian) the kernel
// kills each child when this process is gone, however that came about.

import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { addressesText, colours, mark, pidsText } from "./console.mjs";
import { HOST, inheritedEnvironment, layoutFrom, SettingError, sidecarConfig } from "./layout.mjs";
import { busyPorts, makeRunDir } from "./preflight.mjs";
import { Supervisor } from "./supervisor.mjs";

const DEMO = fileURLToPath(new URL(".", import.meta.url));
const READY_WITHIN_MS = 15_000;
const READY_POLL_MS = 50;

const paint = colours(process.stdout.isTTY && !process.env.NO_COLOR);
const say = (text) => process.stdout.write(`${text}\n`);
process.stdout.on("error", () => {}); // the terminal is gone: SIGHUP ends us

function refuse(...lines) {
  for (const line of lines) process.stderr.write(`demo: ${line}\n`);
  process.exit(2);
}

const layout = readLayout();
const sidecar = resolve(process.env.DEMO_SIDECAR ?? join(DEMO, "../build/bin/socketmesh-sidecar"));
requireFile(sidecar, constants.X_OK);
for (const file of ["socket.io/dist/index.js", "@socketmesh/adapter/dist/index.mjs"]) {
  requireFile(join(DEMO, "node_modules", file), constants.R_OK);
}
await checkPorts();

const runDir = await makeRunDir();
const bound = spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;
const inherited = inheritedEnvironment(process.env);
const begun = performance.now();

const supervisor = new Supervisor({
  spawn: ({ command, env }) => {
    const [file, ...args] = bound ? ["setpriv", "--pdeathsig", "KILL", ...command] : command;
    return spawn(file, args, { env: { ...inherited, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  },
  onStart: (name, pid) => ready && say(`${mark(paint, name)} started again, pid ${pid}`),
  onExit: (name, how, pid) => {
    if (!ending) say(`${mark(paint, name)} ended (pid ${pid}, ${how}); again in one second`);
  },
  onLine: (name, line) => ending || say(`${mark(paint, name)} ${paint.dim(line)}`),
});

let ready = false;
let ending = false;

process.on("exit", () => {
  supervisor.kill();
  rmSync(runDir, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);

await startAll();
await waitUntilReady();

function readLayout() {
  try {
    return layoutFrom(process.env);
  } catch (error) {
    if (error instanceof SettingError) return refuse(error.message);
    throw error;
  }
}

function requireFile(path, access) {
  try {
    accessSync(path, access);
  } catch {
    refuse(`${path} is missing; \`make build\` makes it`);
  }
}

async function checkPorts() {
  const ports = layout.flatMap((server) => [server.chatPort, server.linkPort, server.adminPort]);
  const busy = await busyPorts(HOST, ports);
  if (busy.length === 0) return;
  refuse(
    ...busy.map(({ port, why }) => `${HOST}:${port} is not free: ${why}`),
    "end what uses them, or choose others (DEMO_CHAT_PORTS, DEMO_LINK_PORTS, DEMO_ADMIN_PORTS)",
  );
}

async function startAll() {
  const servers = layout.map(({ index, chatPort, adminPort }) => ({ index, chatPort, adminPort }));
  for (const server of layout) {
    const { index, chatPort } = server;
    const socket = join(runDir, `app-${index}.sock`);
    const config = join(runDir, `sidecar-${index}.yaml`);
    await writeFile(config, sidecarConfig(server, socket));
    if (ending) return;
    supervisor.keep(`sidecar ${index}`, { command: [sidecar, "--config", config], env: {} });
    supervisor.keep(`server ${index}`, {
      command: [process.execPath, join(DEMO, "server.mjs")],
      env: {
        CHAT_INDEX: `${index}`,
        CHAT_LISTEN: `${HOST}:${chatPort}`,
        CHAT_SERVERS: JSON.stringify(servers),
        CHAT_PARENT: "stdin",
        SOCKETMESH_SOCKET: `unix:${socket}`,
      },
    });
  }
}

/** Prints what to open as soon as everything answers; and in any case after a while. */
async function waitUntilReady() {
  const wanted = new Map();
  for (const { index, chatPort, adminPort } of layout) {
    wanted.set(`server ${index}`, `http://${HOST}:${chatPort}/healthz`);
    wanted.set(`sidecar ${index}`, `http://${HOST}:${adminPort}/readyz`);
  }
  while (wanted.size > 0 && performance.now() - begun < READY_WITHIN_MS && !ending) {
    for (const [name, url] of wanted) {
      const answer = await fetch(url).catch(() => undefined);
      if (answer?.ok) wanted.delete(name);
    }
    if (wanted.size > 0) await new Promise((done) => setTimeout(done, READY_POLL_MS));
  }
  if (ending) return;
  ready = true;
  const took_s = ((performance.now() - begun) / 1000).toFixed(1);
  const waiting = [...wanted.keys()].join(", ");
  say(addressesText(paint, layout, waiting ? `still waiting for ${waiting}` : `up after ${took_s} s`));
  say(pidsText(paint, supervisor.pids()));
}

async function end() {
  if (ending) {
    supervisor.kill();
    process.exit(0);
  }
  ending = true;
  say(`\n${paint.dim("ending")}`);
  await supervisor.stop();
  process.exit(0);
}

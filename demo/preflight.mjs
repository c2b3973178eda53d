// Before anything starts: is the mesh free to be here, and what did a killed run leave behind?

import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RUN_DIR = /^socketmesh-demo-(\d+)-/;

/** The ports of `ports` that cannot be bound: [{port, why}]. */
export async function busyPorts(host, ports) {
  const busy = [];
  for (const port of ports) {
    const error = await bindError(host, port);
    if (!error) continue;
    const owner = error.code === "EADDRINUSE" ? await listenerOn(port) : undefined;
    busy.push({ port, why: owner ? `used by ${owner}` : error.code });
  }
  return busy;
}

function bindError(host, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Who listens on a TCP port, as "name (pid)", where /proc says so. */
async function listenerOn(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "utf8").catch(() => "");
    for (const line of text.split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === "0A" && local.endsWith(`:${hex}`)) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (!inodes.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""))) continue;
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "?");
      return `${name.trim()} (pid ${pid})`;
    }
  }
  return undefined;
}

/** A fresh directory for configuration and sockets; those of runs that are gone are removed. */
export async function makeRunDir(parent = tmpdir()) {
  for (const name of await readdir(parent)) {
    const pid = RUN_DIR.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) {
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
    }
  }
  return mkdtemp(join(parent, `socketmesh-demo-${process.pid}-`));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

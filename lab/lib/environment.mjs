// On what, and with which code, the runs were made.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { machine } from "../../bench/lib/machine.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = [
  "socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter", "redis", "ioredis", "pg",
];

/** What a program says of its version: the first thing in its output that looks like one. */
function version(program, ...args) {
  try {
    const said = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    return /\d+(\.\d+)+/.exec(said)?.[0];
  } catch {
    return undefined;
  }
}

function packageVersion(name) {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}

function commit() {
  try {
    const git = (...args) => execFileSync("git", ["-C", ROOT, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "--untracked-files=no") ? " with changes" : ""}`;
  } catch {
    return undefined; // not a git work tree
  }
}

export function environment() {
  const versions = Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)]));
  return {
    commit: commit(),
    machine: machine(),
    versions: {
      node: process.versions.node,
      ...versions,
      "redis-server": version("redis-server", "--version"),
      haproxy: version("haproxy", "-v"),
      PostgreSQL: version("psql", "--version"),
      repmgr: version("repmgr", "--version"),
    },
  };
}

// On what, and with which code, the figures were made.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { packageVersion } from "./packages.mjs";

const kRoot = fileURLToPath(new URL("../..", import.meta.url));

export function machine() {
  const os = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"));
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / (1 << 30)),
    kernel: release(),
    os: os?.[1] ?? "unknown",
    load_before: Number(loadavg()[0].toFixed(2)),
  };
}

/** Versions of everything that takes part; `systems` that are there to run. */
export function versions(systems) {
  const common = { node: process.versions.node, "socket.io": packageVersion("socket.io") };
  return Object.assign(common, ...systems.map((system) => system.versions()));
}

/** The commit measured, and whether files differ from it; undefined outside a git work tree. */
export function commit() {
  const git = (...args) =>
    execFileSync("git", ["-C", kRoot, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
  try {
    const sources = ["sidecar", "lib", "adapter", "bench"];
    return {
      commit: git("rev-parse", "HEAD"),
      modified: git("status", "--porcelain", "--", ...sources, ":!bench/results") !== "",
    };
  } catch {
    return { commit: undefined, modified: undefined };
  }
}

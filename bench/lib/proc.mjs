// What the kernel says about a process: /proc, Linux only. Synchronous, some microseconds a call.
// Throws when the process is gone: a figure that lacks a process would be a wrong figure.
import { readFileSync, readdirSync } from "node:fs";

/**
 * Time on a CPU (user and system) of all threads of a process, in microseconds, from the scheduler's
 * own count in nanoseconds: /proc/PID/stat has steps of 10 ms. Threads that have ended are left out;
 * what is measured here keeps its threads.
 */
export function cpuUs(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1e3;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid) {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line[1]) * 1024;
}

/** The processes that a process has started and that are still there. */
export function childrenOf(pid) {
  const parentOf = (child) => {
    try {
      return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${child}/status`, "utf8"))[1]);
    } catch {
      return 0; // it ended meanwhile
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => parentOf(child) === pid);
}

// What the kernel says about a process: /proc, Linux only. Synchronous, a few microseconds a call.
// Throws when the process is gone: a figure that lacks a process would be a wrong figure.
import { readFileSync } from "node:fs";

const kMicrosecondsPerSecond = 1e6;
const kTicksPerSecond = 100; // USER_HZ, the unit of /proc on every architecture that Node runs on

// Fields of /proc/PID/stat after the name, which is in brackets and may itself hold blanks.
const kUserTicks = 11;
const kSystemTicks = 12;

/** User and system time of a process, all threads, in microseconds (a resolution of one tick: 10 ms). */
export function cpuUs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[kUserTicks]) + Number(fields[kSystemTicks]);
  return (ticks * kMicrosecondsPerSecond) / kTicksPerSecond;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid) {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line[1]) * 1024;
}

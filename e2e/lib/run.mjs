// Runs a program to its end: run("kubectl", ["get", "pods"], {input}) → {stdout, stderr}.

import { spawn } from "node:child_process";

export class ProgramError extends Error {
  constructor(command, code, stdout, stderr) {
    super(`${command}: exit ${code}: ${(stderr || stdout).trim().slice(-2000)}`);
    Object.assign(this, { code, stdout, stderr });
  }
}

/** Rejects with a ProgramError unless the program ends with 0 within timeoutMs. */
export function run(program, args, { input = "", timeoutMs = 60_000, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: env ?? process.env, timeout: timeoutMs });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve({ stdout, stderr });
      else reject(new ProgramError([program, ...args].join(" "), signal ?? code, stdout, stderr));
    });
    child.stdin.on("error", () => {}); // a program that does not read its input
    child.stdin.end(input);
  });
}

// What the suite has started is gone when it is, however it ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const HOUSEHOLD = new URL("../lib/household.mjs", import.meta.url).href;
// A program that forks, as nginx does, and would leave its fork behind.
const SUITE = `
  import { Household } from ${JSON.stringify(HOUSEHOLD)};
  const child = await new Household("test").start("sh", ["-c", "sleep 1000 & echo $!; wait"]);
  while (child.lastOutput() === "") await new Promise((resolve) => setTimeout(resolve, 5));
  process.stdout.write(child.lastOutput() + "\\n");
  setInterval(() => {}, 1000);
`;

for (const signal of ["SIGINT", "SIGTERM"]) {
  test(`${signal} ends its programs and what they have forked`, { timeout: 20_000 }, async () => {
    const suite = spawn(process.execPath, ["--input-type=module", "-e", SUITE], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(suite.stdout, "data");
    const forked = Number(line);
    assert.ok(existsSync(`/proc/${forked}`));
    suite.kill(signal);
    await once(suite, "exit");
    while (existsSync(`/proc/${forked}`)) await sleep(10);
  });
}

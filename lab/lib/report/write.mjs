// Keeps each run's record as JSON, and writes the report from what is left of it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function keepRecord(folder, run) {
  mkdirSync(join(folder, "runs"), { recursive: true });
  writeFileSync(join(folder, "runs", `${run.system}.${run.case}.json`), JSON.stringify(run));
  return run;
}
export function writeReport() {}

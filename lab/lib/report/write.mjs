// Keeps each run's record as JSON, and writes the report beside it.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { timeline } from "../timeline.mjs";
import { page } from "./page.mjs";

const STYLE = readFileSync(new URL("style.css", import.meta.url), "utf8");
const SCRIPT = readFileSync(new URL("script.js", import.meta.url), "utf8");

/** Of a record, what the report is drawn from and does not repeat. */
const BULK = ["messages", "receipts", "connections", "clients", "users"];

/** Where a run's record lies, as the report links to it. */
export const recordFile = ({ system, case: id }) => `runs/${system}.${id}.json`;

/** Writes the record; returns what the report needs of it. */
export function keepRecord(folder, run) {
  mkdirSync(join(folder, "runs"), { recursive: true });
  writeFileSync(join(folder, recordFile(run)), `${JSON.stringify(run)}\n`);
  return summary(run);
}

/** A record without its every receipt, with the slices of its plot instead. */
export function summary(run) {
  if (!run.messages) return run;
  const kept = Object.entries(run).filter(([key]) => !BULK.includes(key));
  return { ...Object.fromEntries(kept), timeline: timeline(run) };
}

export function writeReport(folder, report) {
  writeFileSync(join(folder, "index.html"), page(report, { style: STYLE, script: SCRIPT }));
}

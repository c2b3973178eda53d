// One case on one stage: clients come, talk, something happens, and what they saw is collected.

import { setTimeout as sleep } from "node:timers/promises";
import { ACTIONS } from "./actions.mjs";
import { Fleet } from "./fleet.mjs";
import { measure } from "./tally.mjs";
import { judge, verdictOf } from "./verdict.mjs";

/** From the last word until nothing more is waited for. */
const SETTLE_MS = 12_000;
const SETTLE_POLL_MS = 200;
const QUIET_MS = 300;
/** A script that hangs fails its run, not the lab. */
const SCRIPT_MS = 150_000;

/** @returns the run's record, with measures, results and verdict */
export async function runCase(household, stage, aCase, run) {
  await stage.backend.reset?.();
  const fleet = await Fleet.start(household, run);
  try {
    const begun = new Date();
    const before = await stage.backend.figures?.();
    await openClients(fleet, stage, aCase);
    await fleet.call("begin");
    const script = runScript({ fleet, stage }, aCase.script);
    if (aCase.talk) await fleet.call("talk", aCase.talk);
    const [problems] = await Promise.all([script, sleep(aCase.seconds * 1000)]);
    await fleet.call("hush");
    const settled = await settle(fleet);
    const record = await fleet.call("collect");
    const figures = grown(before, await stage.backend.figures?.());
    return judged({ begun: begun.toISOString(), settled, problems, figures, ...record }, stage.system, aCase);
  } finally {
    await fleet.call("close").catch(() => {});
    await fleet.end();
  }
}

/** What each server's counters grew by; those of a server that began anew are what they are. */
export function grown(before, after) {
  const since = (each, earlier = {}) =>
    Object.fromEntries(
      Object.entries(each).map(([key, value]) => {
        const was = earlier[key] ?? 0;
        return [key, value < was ? value : value - was];
      }),
    );
  return after?.map((each, i) => each && since(each, before?.[i]));
}

async function openClients(fleet, stage, { clients, slow = 0, wired = 0, users, transports, front = "front" }) {
  const url = `http://127.0.0.1:${stage.ports[front]}`;
  const crowd = clients - slow;
  await fleet.call("open", { count: crowd, url, users: users ?? crowd, transports });
  if (slow > 0) await fleet.call("open", { count: slow, url, group: "slow" });
  if (wired > 0) await fleet.call("open", { count: wired, url, wire: true });
}

/** @returns what went wrong with the actions themselves */
async function runScript(context, script) {
  const problems = [];
  const begun = performance.now();
  for (const { at, do: name, ...args } of script) {
    await sleep(Math.max(0, at * 1000 - (performance.now() - begun)));
    const late = sleep(SCRIPT_MS, "late", { ref: false });
    try {
      const end = await Promise.race([ACTIONS[name](context, args), late]);
      if (end === "late") problems.push(`${name} did not end in ${SCRIPT_MS / 1000} s`);
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
  }
  return problems;
}

/** Waits until nothing is outstanding and nothing more comes, or long enough. */
async function settle(fleet) {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const outstanding = await fleet.call("outstanding");
    if (Object.values(outstanding).every((count) => count === 0)) {
      await sleep(QUIET_MS); // in which duplicates would come
      return true;
    }
    if (performance.now() > end) return false;
    await sleep(SETTLE_POLL_MS);
  }
}

export function judged(record, system, aCase) {
  const measures = measure(record);
  const results = judge(aCase.expects, measures);
  const verdict = record.problems.length > 0 ? "failed" : verdictOf(results, system);
  const failure = record.problems.length > 0 && { reason: record.problems.join("; ") };
  return { system: system.name, case: aCase.id, verdict, ...failure, measures, results, ...record };
}

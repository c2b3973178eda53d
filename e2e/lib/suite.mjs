// Runs cases: {name, run(context), alone?, ownCluster?, operator?, timeoutS?, expectErrors?}.
//
//   alone         it disturbs the others (stops the operator, the API server): run when they are done
//   ownCluster    it needs a cluster that is ours; skipped on an existing one
//   operator      false: it does not need the operator to be installed
//   expectErrors  what the operator may log as an error while it runs: regular expressions
//
// The context: {ns: Namespace (created, its own), clients: Clients, note(text), cleanup(action)}.

import { mkdir, writeFile } from "node:fs/promises";
import { Clients } from "./clients.mjs";
import { dumpNamespace } from "./dump.mjs";
import { Namespace } from "./kube.mjs";
import { settings } from "./settings.mjs";

const DEFAULT_TIMEOUT_S = 180;

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40);

async function limited(seconds, action) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${seconds}s`)), seconds * 1000);
  });
  try {
    return await Promise.race([action, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** {case, result: "passed" | "failed" | "skipped", started (ms), seconds, error?, notes} */
async function runCase(one, clientsIn) {
  const started = Date.now();
  const notes = [];
  const cleanups = [];
  const ns = new Namespace(`e2e-${slug(one.name)}`);
  const clients = new Clients(clientsIn);
  const folder = new URL(`${slug(one.name)}/`, settings.output);
  const outcome = { case: one, result: "passed", notes, started };
  try {
    await ns.create(one.labels);
    const context = {
      ns,
      clients,
      note: (text) => notes.push(text),
      cleanup: (action) => cleanups.unshift(action),
    };
    await limited(one.timeoutS ?? DEFAULT_TIMEOUT_S, one.run(context));
  } catch (error) {
    outcome.result = "failed";
    outcome.error = error;
    outcome.seconds = (Date.now() - started) / 1000;
    await mkdir(folder, { recursive: true });
    await writeFile(new URL("error.txt", folder), `${error.stack}\n`);
    await dumpNamespace(ns.name, folder);
  }
  outcome.seconds ??= (Date.now() - started) / 1000;
  for (const cleanup of cleanups) {
    await cleanup().catch((error) => notes.push(`cleanup: ${error.message}`));
  }
  clients.end();
  if (outcome.result === "passed" || !settings.keep) await ns.remove().catch(() => {});
  return outcome;
}

async function runAll(cases, jobs, { clientsIn, done }) {
  const waiting = [...cases];
  const worker = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      done(await runCase(one, clientsIn));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/**
 * Those that can, side by side, then the others one by one. done(outcome) hears of each; clientsIn
 * is where the clients run (see Clients).
 */
export async function runSuite(cases, options) {
  const able = cases.filter(({ ownCluster }) => !ownCluster || !settings.existing);
  await runAll(able.filter(({ alone }) => !alone), settings.jobs, options);
  await runAll(able.filter(({ alone }) => alone), 1, options);
  for (const one of cases.filter((other) => !able.includes(other))) {
    options.done({ case: one, result: "skipped", seconds: 0, notes: ["needs a cluster of ours"] });
  }
}

// The end-to-end suite, on the cluster of the current kubeconfig (`make e2e` boots one for it):
//
//   node e2e/run.mjs [word…]     only the cases whose name has one of these words
//
// Ends with a table and "N passed, N failed". Logs and dumps: build/e2e.

import { mkdir, readdir, rm } from "node:fs/promises";
import { ClientsPod } from "./lib/clients-pod.mjs";
import { Operator } from "./lib/operator.mjs";
import { closing, line, table } from "./lib/report.mjs";
import { settings } from "./lib/settings.mjs";
import { runSuite } from "./lib/suite.mjs";

async function load(words) {
  const folder = new URL("cases/", import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".mjs")).sort();
  const all = (await Promise.all(files.map((name) => import(new URL(name, folder))))).flatMap(({ cases }) => cases);
  const chosen = words.length === 0 ? all : all.filter(({ name }) => words.some((word) => name.includes(word)));
  if (chosen.length === 0) throw new Error(`no case is called like ${words.join(", ")}`);
  return chosen;
}

const started = Date.now();
const cases = await load(process.argv.slice(2));
await rm(settings.output, { recursive: true, force: true });
await mkdir(settings.output, { recursive: true });

// Where the pods' addresses can't be reached from here, the clients run in a pod of their own.
const clientsPod = settings.existing ? await ClientsPod.start() : undefined;
const operator = new Operator();
const outcomes = [];
const tell = (outcome) => {
  outcomes.push(outcome);
  console.log(line(outcome));
};
const needed = cases.some((one) => one.operator !== false);
let able = cases;
if (needed) {
  const installed = await operator.installed();
  tell(installed);
  if (installed.result === "failed") able = cases.filter((one) => one.operator === false);
}
await runSuite(able, { clientsIn: clientsPod?.place, done: tell });
if (needed && able === cases) tell(await operator.logCheck(outcomes));
const failing = () => outcomes.some(({ result }) => result === "failed");
if (needed && !(failing() && settings.keep)) tell(await operator.uninstalled());
await clientsPod?.remove();
console.log(`\n${table(outcomes)}\n`);
console.log(`e2e: ${((Date.now() - started) / 1000).toFixed(0)}s; logs in build/e2e`);
console.log(closing(outcomes));
process.exit(failing() ? 1 : 0);

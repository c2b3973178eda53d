// `node lab/up.mjs SYSTEM`: one system, up until Ctrl-C, to be looked at and played with.

import { Household } from "../bench/lib/household.mjs";
import { optionsFrom, SelectionError } from "./lib/options.mjs";
import { portsFrom, Stage } from "./lib/stage.mjs";
import { SYSTEMS, whyNot } from "./systems.mjs";

function refuse(message) {
  process.stderr.write(`lab: ${message}\n`);
  process.exit(2);
}

function chosen() {
  try {
    const systems = SYSTEMS.map(({ name }) => name);
    const SYSTEM = process.argv[2] ?? "socketmesh";
    const { systems: names, port } = optionsFrom({ ...process.env, SYSTEM, CASE: "" }, { systems, cases: [] });
    return { system: SYSTEMS.find(({ name }) => name === names[0]), port };
  } catch (error) {
    if (error instanceof SelectionError) return refuse(error.message);
    throw error;
  }
}

const { system, port } = chosen();
const reason = whyNot(system);
if (reason) refuse(reason);
const household = new Household("lab");
try {
  const stage = await Stage.start(household, system, portsFrom(port, SYSTEMS.indexOf(system)));
  const servers = stage.servers.map(({ pid }, i) => `s${i + 1} http://127.0.0.1:${stage.ports.servers[i]} (pid ${pid})`);
  process.stdout.write(`${system.title}: ${stage.url}\n  ${servers.join("\n  ")}\nCtrl-C ends it all.\n`);
} catch (error) {
  await household.endAll();
  refuse(error.message);
}

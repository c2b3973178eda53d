// The systems, in the order of the report: the seeds' three, then the one without a backend.
//
// A system: {name, title, ours, parts, programs: those it needs on this machine, missing?(): why it can't
// run, seedFront?, awaits?, startBackend(stage), startFront(stage)}. A backend: {env(index): of a server,
// places(): all its processes, killLabel, kill(): resolves when it works again, rollBeside?(index): what is
// restarted with a server, rolls?(): [{label, roll()}], reset?(): before a case, figures?(), stop()}.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { system as postgres } from "./postgres-reconnection/system.mjs";
import { mongo } from "./postgres-reconnection/system.mjs";
import { system as redis } from "./redis-single-node/system.mjs";
import { system as streams } from "./redis-streams-cluster/system.mjs";
import { system as socketmesh } from "./socketmesh/system.mjs";

export const SYSTEMS = [redis, streams, postgres, mongo, socketmesh];

function isInstalled(program) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why a system can't run here; undefined when it can. */
export function whyNot(system) {
  const lacking = system.programs.filter((program) => !isInstalled(program));
  if (lacking.length > 0) return `${lacking.join(", ")} not found: scripts/deps.sh lab installs it`;
  return system.missing?.();
}

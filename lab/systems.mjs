// The systems, in the order of the report: the seeds' three, then the one without a backend.
//
// A system:
//   name, title, ours     ours: what it does not keep fails the command
//   parts                 what it is made of, for the report
//   programs, missing?()  what it needs on this machine; why it can't run
//   seedFront?, seedEnv?  how the seed had it: a second front; other variables for the servers
//   startBackend(stage), startFront(stage) → {stop(), reload()}
//
// A backend:
//   env(index)            the variables of a server
//   places()              all its processes
//   killLabel, kill()     resolves when it works again
//   healLabel?, heal?()   brings back what was killed, where something else has taken over
//   killBeside?(index)    kills what stands beside a server, which comes back by itself
//   rollBeside?(index)    restarts it in good order · rolls?() → [{label, roll()}]: all the rest
//   reset?()              before a case · figures?(): of each server's history, into the run's record
//   stop?()               in good order; what is left then is killed

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { mongo, system as postgres } from "./postgres-reconnection/system.mjs";
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

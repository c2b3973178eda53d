// The systems under test, by the names that rows carry. Each is an object:
//
//   name, title       the row's name, and what people read
//   promises          what its adapter guarantees between servers, for the table's notes
//   versions()        {component: version}
//   missing()         why it can't run here and what to install, or undefined
//   start(household, {servers})   starts the backend processes for that many server processes, and
//                     resolves to {options(index), processes(), stop()}: what server process `index`
//                     (0 publishes) hands to `connect`, [{role, pid}], and the end of it all
//   connect(options)  in a server process: resolves to what `io.adapter()` takes
import { redisSystems } from "./redis.mjs";
import { socketmesh } from "./socketmesh.mjs";

export const systems = [socketmesh, ...redisSystems];
export const defaultSystems = ["socketmesh", "redis-sharded", "redis"].map(systemNamed);

export function systemNamed(name) {
  const system = systems.find((candidate) => candidate.name === name);
  if (!system) {
    const known = systems.map((candidate) => candidate.name).join(", ");
    throw new Error(`no system '${name}'; there are: ${known}`);
  }
  return system;
}

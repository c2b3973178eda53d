// The systems under test, by the names that rows carry. Each is an object:
//
//   name, title       the row's name, and what people read
//   promises          what its adapter guarantees between servers, for the table's notes
//   versions()        {component: version}
//   missing()         why it can't run here and what to install, or undefined
//   serverOptions     for `new Server()`; optional
//   start(household, {servers})   starts the backend processes for that many server processes, and
//                     resolves to {options(index), processes(), stop(), startServer?(execArgv)}: what
//                     server process `index` (0 publishes) hands to `connect`, [{role, pid}], the end
//                     of it all, and, where servers can't be plain children of the suite, how one is
//                     started
//   connect(options)  in a server process: resolves to what `io.adapter()` takes
import { cluster } from "./cluster.mjs";
import { postgres } from "./postgres.mjs";
import { redisSystems } from "./redis.mjs";
import { socketmeshSystems } from "./socketmesh.mjs";

export const systems = [...socketmeshSystems, ...redisSystems, cluster, postgres];

/** What `make bench` measures, and what `SUITE=full` does. */
export const mainSystems = ["socketmesh", "socketmesh-mtls", "redis-sharded", "redis"];
export const fullSystems = [
  ...["socketmesh", "socketmesh-mtls", "socketmesh-recovery"],
  ...["redis-sharded", "redis", "redis-streams", "cluster", "postgres"],
];
/** What the recovery suite measures: on against off, and beside the other adapter that recovers. */
export const recoverySystems = ["socketmesh", "socketmesh-recovery", "socketmesh-copies", "redis-streams"];

export function systemNamed(name) {
  const system = systems.find((candidate) => candidate.name === name);
  if (!system) {
    const known = systems.map((candidate) => candidate.name).join(", ");
    throw new Error(`no system '${name}'; there are: ${known}`);
  }
  return system;
}

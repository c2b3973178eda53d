// Servers with connectionStateRecovery (child/sessions.mjs), for the recovery suite.
import { fileURLToPath } from "node:url";
import { sleep } from "./clock.mjs";
import { ServerProcess } from "./server_process.mjs";

const kProgram = fileURLToPath(new URL("../child/sessions.mjs", import.meta.url));
const kConvergeMs = 20_000;

/** Starts so many, adds each to `servers` at once, and resolves when all count all. */
export async function startSessionServers(household, { system, backend, count, servers }) {
  for (let i = 0; i < count; i++) {
    const server = await ServerProcess.start(household, { program: kProgram });
    servers.push(server);
    await server.call("attach", { system: system.name, options: backend.options(i) });
  }
  await converged(servers);
}

/** Resolves when every home has as many copies as there are to be. */
export async function copiesAreWhole({ sidecars }) {
  const deadline = Date.now() + kConvergeMs;
  for (;;) {
    const all = await Promise.all(sidecars.map((sidecar) => sidecar.status()));
    if (all.every(({ recovery: { homes, copies_whole, replicas } }) => homes > 0 && copies_whole === homes * replicas)) {
      return;
    }
    if (Date.now() > deadline) throw new Error("copies do not become whole");
    await sleep(20);
  }
}

async function converged(servers) {
  const deadline = Date.now() + kConvergeMs;
  for (;;) {
    const counts = await Promise.all(servers.map((server) => server.call("serverCount")));
    if (counts.every((number) => number === servers.length)) return;
    if (Date.now() > deadline) throw new Error(`the servers count ${counts}`);
    await sleep(20);
  }
}

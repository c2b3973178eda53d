// @socket.io/cluster-adapter: the workers of one Node cluster, whose primary process passes every
// message on over IPC. One machine only.
import { fileURLToPath } from "node:url";
import { packageVersion } from "../lib/packages.mjs";
import { RelayedChild } from "../lib/relayed_child.mjs";

const kPackage = "@socket.io/cluster-adapter";
const kPrimary = fileURLToPath(new URL("../child/primary.mjs", import.meta.url));

export const cluster = {
  name: "cluster",
  title: "cluster-adapter (Node IPC)",
  promises:
    "at most once between workers of one machine: nothing is kept for a worker that is away; every" +
    " worker reads every message",

  versions: () => ({ [kPackage]: packageVersion(kPackage) }),

  missing() {
    try {
      packageVersion(kPackage);
      return undefined;
    } catch (error) {
      return `${error.message}: run 'npm ci' in bench/`;
    }
  },

  async start(household) {
    const primary = await household.start(process.execPath, [kPrimary], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    primary.setMaxListeners(0);
    return {
      options: () => ({}),
      processes: () => [{ role: "broker", pid: primary.pid }],
      startServer: (execArgv) => RelayedChild.fork(primary, execArgv),
      stop: () => household.end(primary), // its workers end with it: their channels close
    };
  },

  async connect() {
    const { createAdapter } = await import(kPackage);
    return createAdapter();
  },
};

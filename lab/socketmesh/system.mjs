// The chat on SocketMesh, HAProxy in front: no Redis, no database.

import { startHaproxy } from "../lib/haproxy.mjs";
import { sidecarsMissing, startSidecars } from "../lib/sidecars.mjs";
import { sleepUntilReady } from "../lib/wait.mjs";

/** Whether the sidecars keep sessions. */
export const RECOVERY = true;

export const system = {
  name: "socketmesh",
  title: "SocketMesh",
  ours: true,
  parts: "a sidecar beside each of three servers, HAProxy",
  programs: ["haproxy"],
  missing: sidecarsMissing,

  async startBackend(stage) {
    const sidecars = await startSidecars(stage, stage.ports.backend, { recovery: RECOVERY });
    return {
      env: (index) => ({
        CHAT_ADAPTER: "socketmesh",
        CHAT_RECOVERY: RECOVERY ? "1" : "0",
        ...sidecars.env(index),
      }),
      places: () => sidecars.places,
      killLabel: "sidecar 1 killed",
      async kill() {
        sidecars.places[0].kill();
        await sleepUntilReady(() => sidecars.isReady(0));
      },
      // A pod is restarted as a whole: the server first, then its sidecar.
      killBeside: sidecars.kill,
      rollBeside: (index) => sidecars.roll(index),
    };
  },

  startFront: startHaproxy,
};

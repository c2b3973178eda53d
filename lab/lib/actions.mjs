// What the scripts of cases do to a stage, by name. Each marks its time in the run's record.

import { setTimeout as sleep } from "node:timers/promises";

const SECOND_MS = 1000;

/** Marks the time that `work` takes. */
async function marked(fleet, label, work) {
  const mark = await fleet.call("mark", { label });
  try {
    return await work();
  } finally {
    await fleet.call("unmark", { mark });
  }
}

export const ACTIONS = {
  leave: ({ fleet }, { count }) => fleet.call("leave", { count }),

  newcomers: ({ fleet, stage }, { count }) =>
    marked(fleet, `${count} new clients`, () =>
      fleet.call("open", { count, url: stage.url, group: "newcomer", users: 0, history: true }),
    ),

  /** Until it answers again. */
  killServer: ({ fleet, stage }, { server, beside = false }) =>
    marked(fleet, `${stage.servers[server].name} killed`, async () => {
      const place = stage.servers[server];
      place.kill();
      if (beside) stage.backend.killBeside?.(server);
      await sleep(SECOND_MS / 2);
      await place.ready(() => stage.health(server));
    }),

  restartServer: ({ fleet, stage }, { server }) =>
    marked(fleet, `${stage.servers[server].name} restarted`, () => stage.roll(server)),

  /** Until the backend says that it works again; what was killed then comes back beside it. */
  async killBackend({ fleet, stage: { backend } }) {
    await marked(fleet, backend.killLabel, () => backend.kill());
    if (backend.heal) await marked(fleet, backend.healLabel, () => backend.heal());
  },

  freezeBackend: ({ fleet, stage }, { seconds }) =>
    marked(fleet, "backend unreachable", async () => {
      const places = stage.backend.places();
      for (const place of places) place.freeze();
      await sleep(seconds * SECOND_MS);
      for (const place of places) place.thaw();
    }),

  cutNetwork: ({ fleet }, { seconds }) =>
    marked(fleet, "network cut", () =>
      fleet.call("cut", { ms: seconds * SECOND_MS, servers: ["s1", "s2", "s3"] }),
    ),

  pauseSlow: ({ fleet }, { seconds }) =>
    marked(fleet, "one client reads nothing", () =>
      fleet.call("pause", { group: "slow", ms: seconds * SECOND_MS }),
    ),

  async rollEverything({ fleet, stage }) {
    await marked(fleet, "balancer", () => stage.front.reload());
    for (const index of stage.servers.keys()) {
      await marked(fleet, `s${index + 1}`, () => stage.roll(index));
      await sleep(SECOND_MS);
    }
    for (const { label, roll } of stage.backend.rolls?.() ?? []) await marked(fleet, label, roll);
  },
};

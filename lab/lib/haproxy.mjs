// HAProxy in front of the servers, with the configuration that people with Docker use.

import { fileURLToPath } from "node:url";
import { answers, reload } from "./front.mjs";
import { HOST } from "./stage.mjs";

const CONFIG = fileURLToPath(new URL("../front/haproxy.cfg", import.meta.url));

export async function startHaproxy(stage) {
  const { front, servers } = stage.ports;
  const place = stage.place({
    name: "haproxy",
    // -W: a master process, which reloads on SIGUSR2 without closing a connection.
    command: ["haproxy", "-W", "-q", "-f", CONFIG],
    env: {
      LAB_FRONT: `${HOST}:${front}`,
      ...Object.fromEntries(servers.map((port, i) => [`LAB_S${i + 1}`, `${HOST}:${port}`])),
    },
  });
  await place.start();
  await place.ready(() => answers(stage));
  return { stop: () => place.stop("SIGKILL"), reload: () => reload(place, stage, "SIGUSR2") };
}

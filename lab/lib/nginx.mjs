// nginx in front of the servers, with the configuration that people with Docker use.

import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers, reload } from "./front.mjs";
import { HOST } from "./stage.mjs";
import { fillFile } from "./template.mjs";

const TEMPLATE = fileURLToPath(new URL("../redis-single-node/nginx.conf.template", import.meta.url));

export async function startNginx(stage) {
  const { front, seedFront, servers } = stage.ports;
  const folder = stage.folder("nginx");
  const config = join(folder, "nginx.conf");
  mkdirSync(join(folder, "logs"), { recursive: true });
  fillFile(TEMPLATE, config, {
    LAB_RUN: folder,
    LAB_USER: userInfo().username,
    LAB_FRONT: `${HOST}:${front}`,
    LAB_SEED_FRONT: `${HOST}:${seedFront}`,
    ...Object.fromEntries(servers.map((port, i) => [`LAB_S${i + 1}`, `${HOST}:${port}`])),
  });
  const place = stage.place({
    name: "nginx",
    command: ["nginx", "-p", folder, "-c", config, "-e", "stderr"],
  });
  await place.start();
  await place.ready(() => answers(stage));
  return { stop: () => place.stop("SIGTERM", 2000), reload: () => reload(place, stage, "SIGHUP") };
}

// A sidecar beside each server: the backend of the systems that run on SocketMesh.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fillFile } from "./template.mjs";
import { HOST, SERVERS } from "./stage.mjs";
import { startAll } from "./place.mjs";

export const SIDECAR = fileURLToPath(new URL("../../build/bin/socketmesh-sidecar", import.meta.url));
const TEMPLATE = fileURLToPath(new URL("../socketmesh/sidecar.yaml.template", import.meta.url));
const RECOVERY = "recovery: {window: 120s, memory: 64MiB, replicas: 1}";
const RESTART_MS = 1000;

/** Why sidecars can't be started here; undefined when they can. */
export function sidecarsMissing() {
  return existsSync(SIDECAR) ? undefined : `${SIDECAR} is missing: make build makes it`;
}

async function isReady(adminPort) {
  const answer = await fetch(`http://${HOST}:${adminPort}/readyz`).catch(() => undefined);
  return answer?.ok ?? false;
}

/** @param ports two for each sidecar @returns {places, env(index), isReady(index)} */
export async function startSidecars(stage, ports, { recovery }) {
  const folder = stage.folder("sidecars");
  const each = Array.from({ length: SERVERS }, (_, i) => ({
    link: ports[2 * i],
    admin: ports[2 * i + 1],
    socket: join(folder, `app-${i + 1}.sock`),
    config: join(folder, `sidecar-${i + 1}.yaml`),
  }));
  const places = each.map(({ link, admin, socket, config }, i) => {
    const peers = each.filter((_, other) => other !== i).map((peer) => `"${HOST}:${peer.link}"`);
    fillFile(TEMPLATE, config, {
      ID: `sidecar-${i + 1}`,
      SOCKET: socket,
      LINK: `${HOST}:${link}`,
      ADMIN: `${HOST}:${admin}`,
      DISCOVERY: `static: [${peers.join(", ")}]`,
      RECOVERY: recovery ? RECOVERY : "",
    });
    return stage.place({
      name: `sidecar ${i + 1}`,
      command: [SIDECAR, "--config", config],
      restart_ms: RESTART_MS,
    });
  });
  await startAll(places.map((place, i) => [place, () => isReady(each[i].admin)]));
  return {
    places,
    env: (index) => ({ SOCKETMESH_SOCKET: `unix:${each[index].socket}` }),
    isReady: (index) => isReady(each[index].admin),
    kill: (index) => places[index].kill(),
    async roll(index) {
      await places[index].stop();
      await places[index].start();
      await places[index].ready(() => isReady(each[index].admin));
    },
  };
}

// The clustered chat on the classic Redis adapter: one redis-server, nginx in front.

import { fileURLToPath } from "node:url";
import { isListening } from "../../bench/lib/ports.mjs";
import { startNginx } from "../lib/nginx.mjs";
import { HOST } from "../lib/stage.mjs";
import { sleepUntilReady } from "../lib/wait.mjs";

const CONFIG = fileURLToPath(new URL("redis.conf", import.meta.url));
const RESTART_MS = 2000;

export const system = {
  name: "redis-single-node",
  title: "Redis, single node",
  ours: false,
  parts: "@socket.io/redis-adapter on one redis-server, nginx",
  programs: ["redis-server", "nginx"],
  seedFront: true,

  async startBackend(stage) {
    const [port] = stage.ports.backend;
    const redis = stage.place({
      name: "redis-server",
      command: ["redis-server", CONFIG, "--port", `${port}`, "--bind", HOST, "--dir", stage.folder("redis")],
      restart_ms: RESTART_MS,
    });
    const isUp = () => isListening(port);
    await redis.start();
    await redis.ready(isUp);
    return {
      env: () => ({
        CHAT_ADAPTER: "redis",
        CHAT_REDIS: `redis://${HOST}:${port}`,
        CHAT_COOKIE: "1",
      }),
      places: () => [redis],
      killLabel: "redis-server killed, started again",
      async kill() {
        redis.kill();
        await sleepUntilReady(isUp);
      },
      rolls: () => [
        {
          label: "redis",
          async roll() {
            await redis.stop();
            await redis.start();
            await redis.ready(isUp);
          },
        },
      ],
    };
  },

  startFront: startNginx,
};

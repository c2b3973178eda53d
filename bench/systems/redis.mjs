// @socket.io/redis-adapter, classic and sharded, with either client.
//
// Which client an adapter has decides as much as the adapter: node-redis writes at most about 16 KiB
// a turn of the event loop, so that a publisher of the sharded adapter's longer JSON messages outruns
// it; ioredis has no such limit, but more system calls. The systems named plainly are the pairs
// that do best here; the other two can be asked for.
import { redisMissing, redisVersions, startRedis } from "./redis_backend.mjs";
import { ioredis, nodeRedis } from "./redis_clients.mjs";

const kPromises = "at most once: what is sent while Redis or a connection to it is away is lost";

// One pattern for all rooms of a namespace: every server reads every message.
function classic(name, client) {
  return {
    ...common(name, `redis-adapter, classic (${clientNames.get(client)})`),
    promises: `${kPromises}; every server reads every message`,
    async connect(options) {
      const { createAdapter } = await import("@socket.io/redis-adapter");
      return createAdapter(...(await client(options)));
    },
  };
}

// Redis 7, what upstream recommends for new developments, in its default subscription mode "dynamic": a
// channel for each public room.
function sharded(name, client) {
  return {
    ...common(name, `redis-adapter, sharded (${clientNames.get(client)})`),
    promises: `${kPromises}; a message to one room reaches only the servers that hold it`,
    async connect(options) {
      const { createShardedAdapter } = await import("@socket.io/redis-adapter");
      return createShardedAdapter(...(await client(options)));
    },
  };
}

function common(name, title) {
  return { name, title, versions: redisVersions, missing: redisMissing, start: startRedis };
}

const clientNames = new Map([
  [ioredis, "ioredis"],
  [nodeRedis, "node-redis"],
]);

export const redisSystems = [
  sharded("redis-sharded", ioredis),
  classic("redis", nodeRedis),
  sharded("redis-sharded-node-redis", nodeRedis),
  classic("redis-ioredis", ioredis),
];

// @socket.io/redis-adapter, classic and sharded, and @socket.io/redis-streams-adapter, with either
// client.
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

// One stream of at most 10,000 entries (its default) for all rooms; every server reads all of it.
function streams(name, client) {
  return {
    ...common(name, `redis-streams-adapter (${clientNames.get(client)})`),
    promises:
      "resumes where a reader was, while the stream of 10,000 entries still has it; what is trimmed" +
      " before it was read is lost without a word; every server reads every message",
    async connect(options) {
      const { createAdapter } = await import("@socket.io/redis-streams-adapter");
      const [publisher] = await client(options);
      return createAdapter(publisher);
    },
  };
}

export const redisSystems = [
  sharded("redis-sharded", ioredis),
  classic("redis", nodeRedis),
  streams("redis-streams", nodeRedis),
  sharded("redis-sharded-node-redis", nodeRedis),
  classic("redis-ioredis", ioredis),
  streams("redis-streams-ioredis", ioredis),
];

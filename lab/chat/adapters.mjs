// The adapters that the chat can run on, each made from its own variables:
//
//   redis          CHAT_REDIS=redis://host:port                 classic: publish and subscribe
//   redis-streams  CHAT_REDIS=redis://host:port,…               a Redis Cluster's nodes, any of them
//   socketmesh     SOCKETMESH_SOCKET                            the sidecar beside this server
//   mongo          MONGO_URL=mongodb://…                        a replica set (change streams need one)

const STREAM_ENTRIES_MAX = 100_000;
const MONGO_EVENTS_BYTES = 16 * 1024 * 1024;

async function redis({ CHAT_REDIS }) {
  const [{ createClient }, { createAdapter }] = await Promise.all([
    import("redis"),
    import("@socket.io/redis-adapter"),
  ]);
  const publisher = createClient({ url: CHAT_REDIS });
  const subscriber = publisher.duplicate();
  // Without a listener the first lost connection would end the process.
  for (const client of [publisher, subscriber]) client.on("error", () => {});
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
}

async function redisStreams({ CHAT_REDIS, CHAT_REDIS_PLAIN }) {
  const [{ Cluster, Redis }, { createAdapter }] = await Promise.all([
    import("ioredis"),
    import("@socket.io/redis-streams-adapter"),
  ]);
  const urls = CHAT_REDIS.split(",");
  const nodes = urls.map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port) }));
  // One client for one node, as if there were no cluster: see redis-streams-cluster/README.md.
  const client = CHAT_REDIS_PLAIN === "1"
    ? new Redis(nodes[0])
    : new Cluster(nodes, { clusterRetryStrategy: () => 200, slotsRefreshTimeout: 5000 });
  client.on("error", () => {});
  await new Promise((resolve) => client.once("ready", resolve));
  return createAdapter(client, { maxLen: STREAM_ENTRIES_MAX });
}

async function socketmesh() {
  const { createAdapter } = await import("@socketmesh/adapter");
  return createAdapter();
}

async function mongo({ MONGO_URL }) {
  const [{ MongoClient }, { createAdapter }] = await Promise.all([
    import("mongodb"),
    import("@socket.io/mongo-adapter"),
  ]);
  const client = new MongoClient(MONGO_URL);
  await client.connect();
  const database = client.db("chat");
  // A capped collection: the adapter tails it, and never cleans up.
  await database.createCollection("socketio", { capped: true, size: MONGO_EVENTS_BYTES }).catch((error) => {
    if (error.codeName !== "NamespaceExists") throw error;
  });
  return createAdapter(database.collection("socketio"), { addCreatedAtField: false });
}

const ADAPTERS = { redis, "redis-streams": redisStreams, socketmesh, mongo };

export async function createAdapterNamed(name, env) {
  if (!(name in ADAPTERS)) throw new Error(`CHAT_ADAPTER: no adapter is called ${name}`);
  return ADAPTERS[name](env);
}

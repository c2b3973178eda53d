// The two Redis clients that @socket.io/redis-adapter works with, each as a function that resolves, in a
// server process, to the [publisher, subscriber] that the adapter wants, connected.

export async function ioredis({ url }) {
  const { Redis } = await import("ioredis");
  const publisher = new Redis(url);
  const subscriber = publisher.duplicate();
  const clients = [publisher, subscriber];
  for (const client of clients) client.on("error", complain);
  await Promise.all(clients.map((client) => client.ping()));
  return clients;
}

export async function nodeRedis({ url }) {
  const { createClient } = await import("redis");
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  const clients = [publisher, subscriber];
  for (const client of clients) client.on("error", complain);
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

function complain(error) {
  console.error(`redis client: ${error.message}`);
}

// What a node of a Redis Cluster says of all of them. Pure.

/** CLUSTER NODES, read: [{id, port, master, failed, masterId, slots: [[from, to]]}] */
export function parseNodes(text) {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [id, address, flags, masterId, , , , link, ...slots] = line.trim().split(" ");
      const roles = flags.split(",");
      return {
        id,
        port: Number(/:(\d+)@/.exec(address)[1]),
        master: roles.includes("master"),
        failed: roles.includes("fail") || (link === "disconnected" && !roles.includes("myself")),
        masterId: masterId === "-" ? undefined : masterId,
        // In brackets are slots on their way from or to another node.
        slots: slots.filter((slot) => !slot.startsWith("[")).map((slot) => {
          const [from, to = from] = slot.split("-").map(Number);
          return [from, to];
        }),
      };
    });
}

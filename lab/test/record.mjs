// A run of three clients, of which two speak, twice each; everybody gets everything after 5 ms.

export function record() {
  const messages = [0, 1, 0, 1].map((sender, i) => {
    const at = 100 * (i + 1);
    return { sender, seq: i >> 1, at, ackAt: at + 3 };
  });
  const got = (client) => messages.flatMap(({ sender, at }, i) => (sender === client ? [] : [[i, at + 5]]));
  return {
    system: "socketmesh",
    case: "delivery",
    length_ms: 1000,
    messages,
    clients: ["s1", "s2", "s2"].map((server, i) => ({ name: `c${i + 1}`, group: "crowd", since: 0, server })),
    receipts: [got(0), got(1), got(2)],
    connections: [],
    marks: [],
    users: { right: 3, counted: [3, 3, 3] },
    problems: [],
  };
}

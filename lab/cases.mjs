// The test cases, the same for every system. Data only: what a case does, and what is expected of it.
//
//   clients     how many, three servers sharing them as the balancer likes
//   talk        {rate, speakers, bytes}: messages a second of each speaker
//   seconds     how long they talk
//   script      [{at, do, …}]: actions of lib/actions.mjs, `at` seconds after the talking began
//   expects     [{measure, atMost, because}]: lib/verdict.mjs names the measures
//   only        the systems that have this property
//   variant     the property with variables that change its servers for this case
//   spoils      the system is started anew before the next case
//
// No expectation is about speed but for bounds that a busy machine keeps too.

const WHOLE = [
  { measure: "missing", atMost: 0, because: "everybody sees every confirmed message" },
  { measure: "duplicated", atMost: 0, because: "nobody sees a message twice" },
  { measure: "outOfOrder", atMost: 0, because: "each sender's messages come in order" },
];
const ALL_BACK = { measure: "neverBack", atMost: 0, because: "every client finds a server again" };
const COUNTED = { measure: "usersWrong", atMost: 0, because: "the number of users is right in the end" };
const TALK = { rate: 2, speakers: 12, bytes: 200 };

export const CASES = [
  {
    id: "delivery",
    title: "Everybody sees everything",
    what: "Twelve people on three servers talk. Nothing else happens.",
    clients: 12,
    talk: TALK,
    seconds: 4,
    script: [],
    expects: WHOLE,
  },
  {
    id: "users",
    title: "Users are counted right",
    what: "Thirty people come, six of them go. Everybody who stays must be told that there are 24.",
    clients: 30,
    seconds: 2,
    script: [{ at: 0.5, do: "leave", count: 6 }],
    expects: [COUNTED],
  },
  {
    id: "spread",
    title: "Load is spread over the servers",
    what: "Thirty clients behind one address connect, as from an office, by long polling and then WebSocket.",
    clients: 30,
    seconds: 0,
    script: [],
    expects: [{ measure: "largestShare", atMost: 0.5, because: "no server has more than half of the clients" }],
  },
  {
    id: "spread-seed",
    title: "Load, as the seed balanced it",
    what: "The same through the seed's own way of balancing: nginx, hashing the client's address.",
    only: "seedFront",
    front: "seedFront",
    clients: 30,
    seconds: 0,
    script: [],
    expects: [{ measure: "largestShare", atMost: 0.5, because: "no server has more than half of the clients" }],
  },
  {
    id: "delivery-seed",
    title: "Everybody, as the seed connected it",
    what: "The first case again, with a client for one node of the cluster, as if it were a single Redis.",
    only: "seedEnv",
    variant: "seedEnv",
    clients: 12,
    talk: TALK,
    seconds: 3,
    script: [],
    expects: WHOLE,
  },
  {
    id: "history",
    title: "A new client gets the history",
    what: "People talk; three more come in the middle of it, and want to see what was said before.",
    clients: 12,
    talk: TALK,
    seconds: 5,
    script: [{ at: 3, do: "newcomers", count: 3 }],
    expects: [
      { measure: "historyMissing", atMost: 0, because: "who comes late sees what was said before" },
      ...WHOLE,
    ],
  },
  {
    id: "server-killed",
    title: "A server is killed",
    what: "SIGKILL to one server; it is started again a second later. Its clients go to the others.",
    clients: 12,
    talk: TALK,
    seconds: 8,
    script: [{ at: 2, do: "killServer", server: 0 }],
    expects: [...WHOLE, ALL_BACK, COUNTED],
  },
  {
    id: "pod-killed",
    title: "A server is killed with what is beside it",
    what: "SIGKILL to one server and, at once, to its sidecar where it has one: as when a machine dies.",
    clients: 12,
    talk: TALK,
    seconds: 8,
    script: [{ at: 2, do: "killServer", server: 1, beside: true }],
    expects: [...WHOLE, ALL_BACK, COUNTED],
  },
  {
    id: "server-restarted",
    title: "A server is restarted gracefully",
    what: "SIGTERM to one server, which tells its clients; started again when it has ended.",
    clients: 12,
    talk: TALK,
    seconds: 8,
    script: [{ at: 2, do: "restartServer", server: 0 }],
    expects: [...WHOLE, ALL_BACK, COUNTED],
  },
  {
    id: "backend-killed",
    title: "The backend is killed and failed over",
    what: "SIGKILL to what carries the messages: Redis, the master that holds the stream, the Postgres primary, a sidecar.",
    clients: 12,
    talk: TALK,
    seconds: 14,
    script: [{ at: 2, do: "killBackend" }],
    spoils: true,
    expects: [...WHOLE, ALL_BACK],
  },
  {
    id: "backend-away",
    title: "The backend is unreachable for 20 s",
    what: "All of the backend stands still for twenty seconds, as if the network to it were gone, and comes back.",
    clients: 12,
    talk: { ...TALK, rate: 1 },
    seconds: 25,
    script: [{ at: 2, do: "freezeBackend", seconds: 20 }],
    spoils: true,
    expects: [...WHOLE, ALL_BACK],
  },
  {
    id: "network-cut",
    title: "Clients lose their network for 5 s",
    what: "Six clients lose their network, and come back to another server, which has never seen them.",
    clients: 6,
    wired: 6,
    talk: TALK,
    seconds: 9,
    script: [{ at: 2, do: "cutNetwork", seconds: 5 }],
    expects: [...WHOLE, ALL_BACK],
  },
  {
    id: "rolling",
    title: "Everything is restarted under traffic",
    what: "Balancer, each server with what stands beside it, each part of the backend, one after the other.",
    clients: 12,
    talk: TALK,
    script: [{ at: 1, do: "rollEverything" }],
    seconds: 16,
    spoils: true,
    expects: [...WHOLE, ALL_BACK, COUNTED],
  },
  {
    id: "slow-client",
    title: "A client reads slowly",
    what: "Much is said, and one client reads nothing of it for four seconds. The others must not notice.",
    clients: 12,
    slow: 1,
    talk: { rate: 8, speakers: 12, bytes: 4000 },
    seconds: 7,
    script: [{ at: 1.5, do: "pauseSlow", seconds: 4 }],
    expects: [
      ...WHOLE,
      { measure: "p99_ms", atMost: 3000, because: "the others' messages are in time" },
    ],
  },
  {
    id: "thousand",
    title: "A thousand clients",
    what: "A thousand clients listen to twenty.",
    clients: 1000,
    users: 20,
    transports: ["websocket"],
    talk: { rate: 0.25, speakers: 20, bytes: 200 },
    seconds: 8,
    script: [],
    expects: [
      ...WHOLE,
      ALL_BACK,
      { measure: "p99_ms", atMost: 5000, because: "a busy machine is allowed five seconds" },
    ],
  },
];

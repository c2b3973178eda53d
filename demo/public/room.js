// What the page knows, apart from how it looks. Pure: no DOM, no clock (milliseconds come in).

/** Typing is forgotten after this time without news of it; the sender repeats it sooner. */
export const TYPING_LASTS_MS = 6000;
export const TYPING_REPEATS_MS = 2500;
export const TYPING_ENDS_MS = 1500;

/** Who is typing, by name. */
export class Typists {
  #until = new Map();

  start(username, now_ms) {
    this.#until.set(username, now_ms + TYPING_LASTS_MS);
  }

  stop(username) {
    this.#until.delete(username);
  }

  clear() {
    this.#until.clear();
  }

  names(now_ms) {
    for (const [name, until] of this.#until) if (until <= now_ms) this.#until.delete(name);
    return [...this.#until.keys()];
  }
}

export function typingText(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length <= 3) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing`;
  return `${names.length} people are typing`;
}

export function recoveredText(messages) {
  return `recovered, ${messages} missed ${messages === 1 ? "message" : "messages"} replayed`;
}

/**
 * The servers as the page shows them: those of the layout, each with what is known of it now.
 * @param about the "server" event: {index, servers: [{index, chatPort, adminPort}]}
 * @param users the "users" event, or undefined before it came
 * @param connected false when the own server can't be reached: then nothing is known
 */
export function serverCards(about, users, connected) {
  return about.servers.map((server) => {
    const live = users?.servers.filter(({ index }) => index === server.index) ?? [];
    const self = server.index === about.index;
    const up = connected && (self || live.length > 0);
    let state = up ? "up" : "down";
    if (!connected && !self) state = "unknown";
    if (up && self && users && users.sidecar !== "attached") state = "alone";
    return { ...server, self, state, pid: live.at(-1)?.pid, users: live.flatMap((s) => s.users) };
  });
}

/**
 * The stations of a message, by name, with the server that each belongs to.
 * @param from the server it was written on; `to` the servers that it goes to
 */
export function route(from, to, here) {
  const mine = from === here;
  const others = to.filter((index) => index !== from);
  const app = (index) => ({ text: `server ${index}`, server: index });
  const sidecar = (index) => ({ text: `sidecar ${index}`, server: index });
  const you = { text: "you", server: here };
  if (!mine) return [app(from), sidecar(from), sidecar(here), app(here), you];
  if (others.length === 0) return [you, app(here)];
  const many = others.length > 1;
  const list = others.join(", ");
  const server = many ? undefined : others[0];
  return [
    you,
    app(here),
    sidecar(here),
    { text: `sidecar${many ? "s" : ""} ${list}`, server },
    { text: `server${many ? "s" : ""} ${list}`, server },
  ];
}

/** The letter or sign that stands for a name. */
export function initial(username) {
  return [...username][0]?.toLocaleUpperCase() ?? "?";
}

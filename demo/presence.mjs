// Who is online, over every server of the cluster.
//
// Each server publishes the whole list of its own users, with a version that grows by one a
// change, and keeps the newest list of every other server that is up. Everything else, counts
// included, is derived from those lists: there is no shared counter that could drift. A list that
// was lost, repeated or overtaken is repaired by the next one, and by asking.
//
// A user is one logged-in connection, named by its socket id; two users may have the same name.
//
// Pure: no I/O, no clock. Methods that change something return the changes, in order, as
// {type: "joined" | "left", user: {id, username, server}, numUsers}, numUsers being the count
// right after that change; telling one's own clients of them is up to the caller, and since each
// server does so, each client hears of a change exactly once.

/** Users of one server; a login beyond it is refused, a list beyond it is not believed. */
export const USERS_PER_SERVER_MAX = 1000;
/** Lists held for servers that have not been announced yet. */
const EARLY_LISTS_MAX = 64;

export class Presence {
  /** This server, whose list has no other owner. */
  #own;
  /** The others that are up, by id; version -1: its list is not here yet. */
  #peers = new Map();
  /** Lists that overtook the news of their server. */
  #early = new Map();

  /** @param self what travels along to the others; its id may come later, by identify(). */
  constructor(self) {
    this.#own = { server: self, version: 0, users: new Map() };
  }

  // This server's own users.

  /** The id by which the others hear that this server is up or down. Needed before list(). */
  identify(id) {
    this.#own.server = { ...this.#own.server, id };
  }

  /** A user logged in here. Undefined when this connection already is, or the server is full. */
  join(id, username) {
    const own = this.#own;
    if (own.users.has(id) || own.users.size >= USERS_PER_SERVER_MAX) return undefined;
    own.version += 1;
    return this.#add(own, id, username);
  }

  /** A user's connection ended. Undefined when it had not logged in. */
  leave(id) {
    if (!this.#own.users.has(id)) return undefined;
    this.#own.version += 1;
    return this.#remove(this.#own, id);
  }

  /** The name that a connection of this server logged in with. */
  usernameOf(id) {
    return this.#own.users.get(id);
  }

  /** What to publish: this server's list as it is now. */
  list() {
    const { server, version, users } = this.#own;
    return { server, version, users: [...users] };
  }

  // The other servers.

  /** A server came up. The changes, if its list had overtaken this news. */
  peerUp(id) {
    if (this.#peers.has(id)) return [];
    this.#peers.set(id, { server: { id }, version: -1, users: new Map() });
    const early = this.#early.get(id);
    this.#early.delete(id);
    return early ? this.accept(early) : [];
  }

  /** A server is gone: so are its users. */
  peerDown(id) {
    this.#early.delete(id);
    const held = this.#peers.get(id);
    if (!held) return [];
    // One at a time, while the rest of the list still counts towards the total.
    const changes = [...held.users.keys()].map((user) => this.#remove(held, user));
    this.#peers.delete(id);
    return changes;
  }

  /** A server's list arrived. Older than the one held, or malformed: nothing changes. */
  accept(list) {
    if (!isList(list) || list.server.id === this.#own.server.id) return [];
    const held = this.#peers.get(list.server.id);
    if (!held) {
      this.#keepEarly(list);
      return [];
    }
    if (list.version <= held.version) return [];
    held.version = list.version;
    held.server = list.server;
    const next = new Map(list.users);
    const left = [...held.users.keys()].filter((id) => !next.has(id));
    const joined = [...next].filter(([id]) => !held.users.has(id));
    return [
      ...left.map((id) => this.#remove(held, id)),
      ...joined.map(([id, username]) => this.#add(held, id, username)),
    ];
  }

  /** Servers that are up and whose list has not arrived: they should be asked. */
  missing() {
    return [...this.#peers].filter(([, held]) => held.version < 0).map(([id]) => id);
  }

  /** The other servers that are up. */
  others() {
    return [...this.#peers.keys()];
  }

  // Derived.

  get numUsers() {
    let count = 0;
    for (const { users } of this.#all()) count += users.size;
    return count;
  }

  /** Every server that is up, this one first, each with its users. */
  servers() {
    return this.#all().map(({ server, users }) => ({
      ...server,
      users: [...users].map(([id, username]) => ({ id, username })),
    }));
  }

  #all() {
    return [this.#own, ...this.#peers.values()];
  }

  #add(held, id, username) {
    held.users.set(id, username);
    return this.#change("joined", held, id, username);
  }

  #remove(held, id) {
    const username = held.users.get(id);
    held.users.delete(id);
    return this.#change("left", held, id, username);
  }

  #change(type, held, id, username) {
    return { type, user: { id, username, server: held.server.id }, numUsers: this.numUsers };
  }

  #keepEarly(list) {
    const id = list.server.id;
    const early = this.#early.get(id);
    if (early && early.version >= list.version) return;
    if (!early && this.#early.size >= EARLY_LISTS_MAX) return;
    this.#early.set(id, list);
  }
}

/** What another server sent is checked too: it may run another version of this program. */
function isList(list) {
  return (
    typeof list?.server?.id === "string" &&
    Number.isSafeInteger(list.version) &&
    list.version >= 0 &&
    Array.isArray(list.users) &&
    list.users.length <= USERS_PER_SERVER_MAX &&
    list.users.every(
      (user) =>
        Array.isArray(user) &&
        user.length === 2 &&
        typeof user[0] === "string" &&
        typeof user[1] === "string",
    )
  );
}

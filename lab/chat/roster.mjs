// Ties the lists of demo/presence.mjs to any adapter, with nothing but serverSideEmit: each server tells
// its list when it changes and every second; one that has been silent too long is gone. The demo's
// cluster.mjs knows at once, by SocketMesh's events; this is what can be had everywhere.

const LIST = "roster list";
const GONE = "roster gone";
const TELL_MS = 1000;
const SILENT_MS = 4000;

export class Roster {
  #io;
  #id;
  #presence;
  #onChanges;
  /** id → when it was heard last */
  #heard = new Map();
  #left = new Set();
  #stale = false;
  #timer;

  /** @param onChanges called with the changes (as of Presence) that news from elsewhere made */
  constructor(io, { id, presence, onChanges }) {
    this.#io = io;
    this.#id = id;
    this.#presence = presence;
    this.#onChanges = onChanges;
    io.on(LIST, (list) => this.#take(list));
    io.on(GONE, (other) => this.#drop(other));
    this.#timer = setInterval(() => this.#beat(), TELL_MS);
    this.#tell();
  }

  /** This server's list has changed: told once a turn, however much changes in it. */
  publish() {
    if (this.#stale) return;
    this.#stale = true;
    setImmediate(() => {
      this.#stale = false;
      this.#tell();
    });
  }

  /** A last word, so that the others need not wait. */
  leave() {
    clearInterval(this.#timer);
    this.#io.serverSideEmit(GONE, this.#id);
  }

  #tell() {
    this.#io.serverSideEmit(LIST, this.#presence.list());
  }

  #beat() {
    this.#tell();
    const now = performance.now();
    for (const [other, at] of this.#heard) if (now - at > SILENT_MS) this.#drop(other);
  }

  #take(list) {
    const other = list?.server?.id;
    if (typeof other !== "string" || other === this.#id || this.#left.has(other)) return;
    const isNew = !this.#heard.has(other);
    this.#heard.set(other, performance.now());
    const changes = isNew ? this.#presence.peerUp(other) : [];
    this.#onChanges([...changes, ...this.#presence.accept(list)]);
    if (isNew) this.publish();
  }

  #drop(other) {
    this.#heard.delete(other);
    this.#left.add(other);
    this.#onChanges(this.#presence.peerDown(other));
    // A frozen server comes back with the same id.
    setTimeout(() => this.#left.delete(other), SILENT_MS).unref();
  }
}

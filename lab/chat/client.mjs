// What a page of the chat does, without the page: logs in whenever it is connected anew, and, where the
// history is durable, sends again what was not confirmed and shows every message once, in order, without
// a hole: ids are gapless there, so a hole is seen and asked for.

const CONFIRM_MS = 8000;
/** With a durable history a message is sent again until it is confirmed. */
const AGAIN_MS = 3000;
const AGAIN_AFTER_MS = 250;
/** A hole is first given the time in which a message from another server may be on its way. */
const HOLE_MS = 250;
const CATCH_UP_MS = 10_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class ChatClient {
  server;
  numUsers;
  #socket;
  #on;
  #wantsHistory;
  #durable;
  #cursor = 0;
  /** Messages above the cursor, by id. */
  #held = new Map();
  #catching = false;
  #holeTimer;
  /** Without ids: what arrives while the history is asked for, and the keys that the history had. */
  #early = [];
  #told = new Set();
  #outbox = [];
  #sending = false;
  #closed = false;

  /**
   * @param socket of socket.io-client, not yet connected
   * @param on {message(message), up({server, recovered}), down(reason)}
   * @param options {username?, history?}: without a name it only listens
   */
  constructor(socket, on, { username, history = false }) {
    this.#socket = socket;
    this.#on = on;
    this.#wantsHistory = history;
    this.loggedIn = username === undefined;
    socket.on("connect", () => {
      if (username === undefined) return;
      if (socket.recovered) this.loggedIn = true;
      else this.#logIn(username);
    });
    socket.on("disconnect", (reason) => {
      this.loggedIn = username === undefined;
      on.down(reason);
    });
    socket.on("server", (hello) => this.#greeted(hello));
    for (const event of ["login", "user joined", "user left"]) {
      socket.on(event, ({ numUsers }) => (this.numUsers = numUsers));
    }
    socket.on("new message", (message) => this.#take(message));
  }

  /** Resolves with whether the message was confirmed; with a durable history, once it is. */
  say(message, key) {
    if (!this.#durable) return this.#emit(CONFIRM_MS, message, key).then(({ ok }) => ok);
    return new Promise((resolve) => {
      this.#outbox.push({ message, key, resolve });
      this.#send();
    });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#holeTimer);
    this.#socket.disconnect();
  }

  async #logIn(username) {
    const ask = this.#socket.timeout(CATCH_UP_MS).emitWithAck("add user", username);
    this.loggedIn = await ask.then(({ ok }) => ok, () => false);
  }

  #greeted({ name, durable }) {
    this.server = name;
    this.#durable = durable;
    this.#on.up({ server: name, recovered: this.#socket.recovered });
    if (durable || this.#wantsHistory) this.#catchUp();
    this.#wantsHistory = false;
    this.#send();
  }

  async #emit(timeout, message, key) {
    try {
      return await this.#socket.timeout(timeout).emitWithAck("new message", message, key);
    } catch {
      return { ok: false };
    }
  }

  /** One at a time: what is sent again must not be overtaken by what was said later. */
  async #send() {
    if (this.#sending || !this.#socket.connected) return;
    this.#sending = true;
    while (this.#outbox.length > 0 && !this.#closed) {
      const { message, key, resolve } = this.#outbox[0];
      const ready = this.loggedIn && this.#socket.connected;
      const { ok, id } = ready ? await this.#emit(AGAIN_MS, message, key) : {};
      if (ok) {
        this.#outbox.shift();
        resolve(true);
        this.#take({ id, key, message }); // one's own has its place in the order too
      } else {
        await sleep(AGAIN_AFTER_MS);
      }
    }
    this.#sending = false;
  }

  #take(message) {
    if (!this.#durable) return this.#tell(message);
    if (message.id > this.#cursor) this.#held.set(message.id, message);
    this.#show();
  }

  /** Where messages have no ids: as they come, after the history that was asked for, and once. */
  #tell(message) {
    if (this.#catching) this.#early.push(message);
    else if (!this.#told.has(message.key)) this.#on.message(message);
  }

  /** Shows what follows the cursor without a hole; a hole that stays is asked for. */
  #show() {
    for (let next; (next = this.#held.get(this.#cursor + 1)); ) {
      this.#held.delete(next.id);
      this.#cursor = next.id;
      this.#on.message(next);
    }
    if (this.#held.size === 0 || this.#catching || this.#holeTimer) return;
    this.#holeTimer = setTimeout(() => {
      this.#holeTimer = undefined;
      if (this.#held.size > 0) this.#catchUp();
    }, HOLE_MS);
  }

  async #catchUp() {
    if (this.#catching || this.#closed) return;
    this.#catching = true;
    const cursor = this.#durable ? this.#cursor : undefined;
    const ask = this.#socket.timeout(CATCH_UP_MS).emitWithAck("catch up", cursor);
    const answer = await ask.catch(() => ({ ok: false }));
    this.#catching = false;
    if (!this.#durable) return this.#showHistory(answer.ok ? answer.messages : []);
    if (answer.ok) {
      for (const message of answer.messages) {
        if (message.id > this.#cursor) this.#held.set(message.id, message);
      }
      // What lies before the first that there is was not kept.
      const first = answer.messages[0]?.id;
      if (first > this.#cursor + 1) this.#cursor = first - 1;
      this.#show();
    } else if (this.#socket.connected && !this.#closed) {
      await sleep(AGAIN_AFTER_MS);
      this.#catchUp();
    }
    return undefined;
  }

  #showHistory(messages) {
    for (const message of messages) {
      this.#told.add(message.key);
      this.#on.message(message);
    }
    this.#early.splice(0).forEach((message) => this.#tell(message));
  }
}

// The clients of one run, what they say and what they are given. Everything is recorded by one clock.

import { io } from "socket.io-client";
import { ChatClient } from "../chat/client.mjs";
import { Cutter } from "./cutter.mjs";

const OPEN_WITHIN_MS = 60_000;
const OPEN_AT_ONCE = 40;
const POLL_MS = 20;
const PATTERN = /^#(\S+) (\d+) (\d+) /;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Crowd {
  #run;
  #zero = performance.now();
  #clients = [];
  #messages = [];
  #connections = [];
  #marks = [];
  #byKey = new Map();
  #timers = new Set();
  #cutter;

  /** @param run marks the messages of this run, so that no other's is taken for one */
  constructor(run) {
    this.#run = run;
  }

  #now() {
    return Math.round((performance.now() - this.#zero) * 100) / 100;
  }

  /**
   * Opens clients, and resolves when each is connected and logged in.
   * @param options {count, url, group, transports, users, history, wire}: `users`: how many of them log in
   */
  async open({ count, url, group = "crowd", transports, users = count, history = false, wire = false }) {
    const target = wire ? await this.#wire(url) : url;
    const from = this.#clients.length;
    for (let i = 0; i < count; i += OPEN_AT_ONCE) {
      const part = Array.from({ length: Math.min(OPEN_AT_ONCE, count - i) }, (_, j) =>
        this.#add({ target, group, transports, history, isUser: i + j < users }),
      );
      await this.#opened(part);
    }
    return this.#clients.slice(from).map(({ chat }) => chat.server);
  }

  async #wire(url) {
    const { hostname, port } = new URL(url);
    this.#cutter = new Cutter();
    return `http://${await this.#cutter.listen(hostname, Number(port))}`;
  }

  #add({ target, group, transports, history, isUser }) {
    const index = this.#clients.length;
    const name = `c${index + 1}`;
    const socket = io(target, {
      forceNew: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 2000,
      timeout: 4000,
      withCredentials: true,
      ...(transports && { transports }),
    });
    const client = { name, group, socket, receipts: [], since: this.#now(), next: 0, isUser, left: false };
    const note = (event, more) =>
      client.left || this.#connections.push({ client: index, at: this.#now(), event, ...more });
    client.chat = new ChatClient(
      socket,
      {
        message: ({ message }) => this.#receive(index, message),
        up: (more) => note("up", more),
        down: (reason) => note("down", { reason }),
      },
      { username: isUser ? name : undefined, history },
    );
    this.#clients.push(client);
    return client;
  }

  async #opened(clients) {
    const end = performance.now() + OPEN_WITHIN_MS;
    const isOpen = ({ socket, chat }) =>
      socket.connected && chat.server && chat.loggedIn && socket.io.engine?.transport.name === "websocket";
    while (!clients.every(isOpen)) {
      if (performance.now() > end) {
        const open = clients.filter(isOpen).length;
        throw new Error(`${open} of ${clients.length} clients are connected after ${OPEN_WITHIN_MS} ms`);
      }
      await sleep(POLL_MS);
    }
  }

  /** The run begins: times count from here, and everybody who is here was here at 0. */
  begin() {
    this.#zero = performance.now();
    this.#connections.length = 0;
    for (const client of this.#clients) Object.assign(client, { since: 0, first: client.chat.server });
  }

  /** The first `speakers` users say something `rate` times a second each, of `bytes`, until hush(). */
  talk({ rate, speakers, bytes }) {
    const all = this.#clients.flatMap((client, i) => (client.isUser && client.group === "crowd" ? [i] : []));
    all.slice(0, speakers).forEach((index, i, { length }) => {
      const every_ms = 1000 / rate;
      const begin = setTimeout(() => {
        this.#say(index, bytes);
        this.#timers.add(setInterval(() => this.#say(index, bytes), every_ms));
      }, (i * every_ms) / length);
      this.#timers.add(begin);
    });
  }

  hush() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
  }

  #say(index, bytes) {
    const client = this.#clients[index];
    if (client.left) return;
    const seq = client.next++;
    const message = { sender: index, seq, at: this.#now() };
    const key = `${this.#run} ${index} ${seq}`;
    this.#byKey.set(key, this.#messages.push(message) - 1);
    message.pending = client.chat.say(`#${key} `.padEnd(bytes, "."), key).then((ok) => {
      if (ok) message.ackAt = this.#now();
      message.pending = undefined;
    });
  }

  #receive(index, text) {
    const [, run, sender, seq] = PATTERN.exec(text) ?? [];
    const message = this.#byKey.get(`${run} ${sender} ${seq}`);
    if (message === undefined || Number(sender) === index) return;
    this.#clients[index].receipts.push([message, this.#now()]);
  }

  /** A time to be marked in the plot, from now until unmark(). */
  mark({ label }) {
    this.#marks.push({ label, at: this.#now() });
    return this.#marks.length - 1;
  }

  unmark({ mark }) {
    this.#marks[mark].until ??= this.#now();
  }

  /** The network of all clients on the wire is gone for `ms`; they come back to the next server. */
  async cut({ ms, servers }) {
    for (const { socket, chat } of this.#clients) {
      const next = servers[(servers.indexOf(chat.server) + 1) % servers.length];
      socket.io.opts.extraHeaders = { cookie: `server=${next}` };
    }
    this.sever();
    await sleep(ms);
    this.mend();
  }

  /** The network of all clients on the wire is gone until mend(). */
  sever() {
    this.#cutter.cut();
  }

  mend() {
    this.#cutter.mend();
  }

  /** The clients of a group read nothing for `ms`. */
  async pause({ group, ms }) {
    const sockets = this.#clients
      .filter((client) => client.group === group)
      .map(({ socket }) => socket.io.engine.transport.ws._socket);
    for (const socket of sockets) socket.pause();
    await sleep(ms);
    for (const socket of sockets) socket.resume();
  }

  /** The last `count` clients go for good. */
  leave({ count }) {
    for (const client of this.#clients.slice(-count)) {
      client.left = true;
      client.chat.close();
    }
  }

  /** What is not yet as it should be: messages and answers on their way, clients away, wrong counts. */
  outstanding() {
    const here = this.#clients.filter(({ left }) => !left);
    const pending = this.#messages.filter((message) => message.pending).length;
    const away = here.filter(({ socket }) => !socket.connected).length;
    const confirmed = this.#messages.flatMap(({ ackAt }, i) => (ackAt === undefined ? [] : [i]));
    let missing = 0;
    this.#clients.forEach(({ receipts, since, group, left }, index) => {
      if (left) return;
      const got = new Set(receipts.map(([message]) => message));
      missing += confirmed.filter((i) => {
        const { sender, at } = this.#messages[i];
        return sender !== index && (at >= since || group === "newcomer") && !got.has(i);
      }).length;
    });
    const { counted, right } = this.#users();
    return { pending, away, missing, wrong: counted.filter((count) => count !== right).length };
  }

  #users() {
    const users = this.#clients.filter(({ isUser, left }) => isUser && !left);
    return { right: users.length, counted: users.map(({ chat }) => chat.numUsers) };
  }

  collect() {
    const here = this.#clients.filter(({ left }) => !left);
    return {
      length_ms: this.#now(),
      messages: this.#messages.map(({ sender, seq, at, ackAt }) => ({ sender, seq, at, ackAt })),
      clients: here.map(({ name, group, since, first, chat }) => {
        return { name, group, since, server: first ?? chat.server };
      }),
      receipts: here.map(({ receipts }) => receipts),
      connections: this.#connections.filter(({ client }) => !this.#clients[client].left),
      marks: this.#marks.map((mark) => ({ until: mark.at, ...mark })),
      users: this.#users(),
    };
  }

  close() {
    this.hush();
    for (const { chat } of this.#clients) chat.close();
    this.#cutter?.close();
  }
}

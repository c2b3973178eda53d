// The lab's chat: the events of Socket.IO's chat example, right in a cluster, and with a history.
//
//   client → server   "add user" name · "new message" text, key · "catch up" cursor
//   server → client   "server" {name, durable} · "login" {numUsers}
//                     "new message" {username, message, key, id?}
//                     "user joined" and "user left" {username, numUsers}
//
// Every event of a client takes an acknowledgement. That of "new message" says that the message is on its
// way to all, and with a durable history that it is on disk on two machines; `key` is the sender's own name
// for it, so that it may be sent again when the answer was lost. "catch up" answers {messages, upTo}: what
// was said after `cursor`, or of late.

import { checkMessage, cleanUsername } from "../../demo/input.mjs";

const KEY_CHARS_MAX = 100;

/** @param history {durable, add({key, username, message}), since(cursor)} */
export function serveChat(io, { name, presence, roster, history }) {
  const tell = (changes) => {
    for (const { type, user, numUsers } of changes) {
      // Who joined is told by "login". Who left may be here again already, its session recovered under
      // the same id: then it was counted twice until now, and must hear of it as well.
      const others = type === "joined" ? io.local.except(user.id) : io.local;
      others.emit(`user ${type}`, { username: user.username, numUsers });
    }
  };
  const changed = (change) => {
    if (!change) return;
    roster.publish();
    tell([change]);
  };

  io.on("connection", (socket) => {
    const { data } = socket;
    const logIn = (username) => {
      const change = presence.join(socket.id, username);
      if (!change) return false;
      data.username = username;
      socket.emit("login", { numUsers: change.numUsers });
      changed(change);
      return true;
    };

    socket.on("add user", (value, answer) => {
      const username = cleanUsername(value);
      const ok = username !== undefined && (data.username !== undefined || logIn(username));
      if (typeof answer === "function") answer({ ok });
    });

    socket.on("new message", async (value, key, answer) => {
      const message = checkMessage(value);
      const named = typeof key === "string" && key.length <= KEY_CHARS_MAX;
      const reply = (result) => typeof answer === "function" && answer(result);
      if (!message || !named || data.username === undefined) return reply({ ok: false });
      try {
        const { username } = data;
        // What is not durable is said in this very turn, so that nothing can overtake it.
        const added = history.add({ key, username, message });
        const id = history.durable ? await added : undefined;
        socket.broadcast.emit("new message", { username, message, key, id });
        reply({ ok: true, id });
      } catch (error) {
        reply({ ok: false, why: error.message });
      }
    });

    socket.on("catch up", async (cursor, answer) => {
      if (typeof answer !== "function") return;
      try {
        answer({ ok: true, ...(await history.since(Number.isSafeInteger(cursor) ? cursor : undefined)) });
      } catch (error) {
        answer({ ok: false, why: error.message });
      }
    });

    socket.on("disconnect", () => changed(presence.leave(socket.id)));

    // A recovered session has its data back, and with it its name.
    if (data.username !== undefined) logIn(data.username);
    socket.emit("server", { name, durable: history.durable });
  });

  return { tell };
}

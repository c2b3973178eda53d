// The chat: the events of Socket.IO's chat example, made right for a cluster.
//
//   client → server   "add user" name · "new message" text · "typing" · "stop typing"
//   server → client   "login" {numUsers} · "new message" {username, message}
//                     "user joined" and "user left" {username, numUsers}
//                     "typing" and "stop typing" {username}
// and for this page
//   server → client   "server" who you are talking to · "users" {numUsers, sidecar, servers}
//                     "notice" {code, text}: why something was refused
//                     "recovered" {username}: behind what the client missed while it was away;
//                     with no username it is to say again who it is
//
// Messages and typing go to everyone through the adapter. Joining and leaving is told by each
// server to its own clients, from the lists of presence.mjs, so that it is told exactly once
// also when a server dies. "new message" has a second argument, {id, server}, and both it and
// "add user" take an acknowledgement, which the example's clients do not ask for.

import { checkMessage, cleanUsername, EventBudget, REFUSED_EVENTS_MAX } from "./input.mjs";
import { MESSAGE_CHARS_MAX, USERNAME_CHARS_MAX } from "./input.mjs";

const NOTICES = {
  name: `A name has 1 to ${USERNAME_CHARS_MAX} characters.`,
  message: `A message has 1 to ${MESSAGE_CHARS_MAX} characters.`,
  login: "Say who you are first.",
  twice: "You are here already.",
  full: "This server is full; try another one.",
  rate: "That was too much at once; some of it was left out.",
};

/**
 * Serves the chat on `io`.
 *
 * @param presence this server's Presence
 * @param cluster what cluster.mjs returns: {publish(), sidecar}
 * @param about what a page is told about this server, once a connection
 * @returns {tell(changes)} to tell the local clients what `presence` says has changed elsewhere
 */
export function serveChat(io, { presence, cluster, about }) {
  let stale = false;
  const users = () => ({
    numUsers: presence.numUsers,
    sidecar: cluster.sidecar,
    servers: presence.servers(),
  });
  /** However much changes in one turn, the list is sent once. */
  const tellUsers = () => {
    if (stale) return;
    stale = true;
    setImmediate(() => {
      stale = false;
      io.local.emit("users", users());
    });
  };
  const tell = (changes) => {
    for (const { type, user, numUsers } of changes) {
      io.local.except(user.id).emit(`user ${type}`, { username: user.username, numUsers });
    }
    tellUsers();
  };
  const changed = (change) => {
    cluster.publish();
    tell([change]);
  };

  io.on("connection", (socket) => {
    const budget = new EventBudget(performance.now());
    let refused = 0;
    const notice = (code, answer) => {
      if (typeof answer === "function") answer({ ok: false, code, text: NOTICES[code] });
      else socket.emit("notice", { code, text: NOTICES[code] });
    };

    socket.use((event, next) => {
      if (budget.take(performance.now())) return next();
      refused += 1;
      if (refused === 1) notice("rate");
      if (refused > REFUSED_EVENTS_MAX) socket.disconnect(true);
    });

    socket.on("add user", (value, answer) => {
      const username = cleanUsername(value);
      if (!username) return notice("name", answer);
      if (presence.usernameOf(socket.id)) return notice("twice", answer);
      const change = presence.join(socket.id, username);
      if (!change) return notice("full", answer);
      socket.data.username = username;
      socket.emit("login", { numUsers: change.numUsers });
      if (typeof answer === "function") answer({ ok: true, username });
      changed(change);
    });

    socket.on("new message", (value, answer) => {
      const username = presence.usernameOf(socket.id);
      if (!username) return notice("login", answer);
      const message = checkMessage(value);
      if (!message) return notice("message", answer);
      const from = { id: socket.id, server: about.index };
      socket.broadcast.emit("new message", { username, message }, from);
      if (typeof answer === "function") answer({ ok: true });
    });

    for (const event of ["typing", "stop typing"]) {
      socket.on(event, () => {
        const username = presence.usernameOf(socket.id);
        if (username) socket.broadcast.emit(event, { username });
      });
    }

    socket.on("disconnect", () => {
      const change = presence.leave(socket.id);
      if (change) changed(change);
    });

    socket.emit("server", about);
    socket.emit("users", users());
    if (socket.recovered) {
      const { username } = socket.data;
      const change = username && presence.join(socket.id, username);
      socket.emit("recovered", change ? { username } : {});
      if (change) changed(change);
    }
  });

  return { tell, tellUsers };
}

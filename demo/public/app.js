// The chat page: events of the socket to the view, and back.

import { recoveredText, route, serverCards, Typists, typingText } from "./room.js";
import { TYPING_ENDS_MS, TYPING_REPEATS_MS } from "./room.js";
import * as view from "./view.js";

const { $ } = view;
const ANSWER_MS = 5000;

const socket = window.io({ reconnectionDelay: 250, reconnectionDelayMax: 1500 });
const typists = new Typists();

let about; // the "server" event
let users; // the last "users" event of this connection
let username; // as the server knows us, once we have logged in
let joined = false; // logged in on this connection
let lost = false; // the connection was there before
let replayed; // messages so far, while those come that were missed

const now = () => performance.now();
const upServers = () => users?.servers.map(({ index }) => index) ?? [];

function show() {
  if (!about) return;
  const cards = serverCards(about, users, socket.connected);
  view.showServers(cards, socket.id);
  view.showTries(cards);
  $("count").textContent = socket.connected && users ? users.numUsers : "–";
  const here = `server ${about.index}`;
  if (!socket.connected) view.showConnection("warn", `reconnecting to ${here}…`);
  else if (users && users.sidecar !== "attached") {
    view.showConnection("warn", "sidecar away");
  } else view.showConnection("ok", "connected");
  const ready = socket.connected && joined;
  $("compose").querySelector("button").disabled = !ready;
}

function logIn(name) {
  socket.timeout(ANSWER_MS).emit("add user", name, (error, answer) => {
    if (error) return; // the connection is gone; the next one logs in again
    if (answer.ok) {
      username = answer.username;
      return;
    }
    $("login-error").textContent = answer.text;
  });
}

socket.on("connect", () => {
  users = undefined;
  replayed = socket.recovered ? 0 : undefined;
  if (username && !socket.recovered) logIn(username);
  show();
});

socket.on("disconnect", () => {
  joined = false;
  lost = true;
  typists.clear();
  if (username) view.addLine("away", `The connection to server ${about.index} is lost`);
  show();
});

socket.on("server", (sent) => {
  about = sent;
  view.showSelf(about);
  if (!$("path").children.length) {
    view.showPath(route(about.index, about.servers.map(({ index }) => index), about.index), false);
  }
  show();
});

socket.on("users", (sent) => {
  if (joined && users && users.sidecar !== sent.sidecar) {
    if (sent.sidecar === "attached") view.addLine("back", "This server's sidecar is back");
    else view.addLine("away", "This server's sidecar is away; what is written meanwhile is kept");
  }
  users = sent;
  show();
});

function enter(line) {
  joined = true;
  $("login").hidden = true;
  $("log").hidden = false;
  $("compose").hidden = false;
  view.addLine("back", line);
  lost = false;
  $("text").focus();
  show();
}

socket.on("login", ({ numUsers }) => {
  const online = numUsers === 1 ? "you are the first one online" : `${numUsers} online`;
  enter(lost ? `Back on server ${about.index}, ${online}` : `Welcome, ${online}`);
});

socket.on("recovered", (sent) => {
  const missed = replayed;
  replayed = undefined;
  if (sent.username === undefined) {
    if (username) logIn(username);
    return;
  }
  username = sent.username;
  enter(`Back on server ${about.index}: ${recoveredText(missed)}`);
});

socket.on("user joined", ({ username: who, numUsers }) => {
  view.addLine("joined", view.name(who), ` joined, ${numUsers} online`);
});

socket.on("user left", ({ username: who, numUsers }) => {
  typists.stop(who);
  view.addLine("left", view.name(who), ` left, ${numUsers} online`);
  showTyping();
});

socket.on("new message", ({ username: who, message }, from) => {
  if (replayed !== undefined) replayed += 1;
  typists.stop(who);
  showTyping();
  view.addMessage({ username: who, text: message, ...from, mine: false, at: new Date() });
  if (from.server !== about.index) {
    view.showPath(route(from.server, upServers(), about.index), true);
  }
});

socket.on("typing", ({ username: who }) => {
  if (replayed !== undefined) return; // who comes back hears of it too late
  typists.start(who, now());
  showTyping();
});

socket.on("stop typing", ({ username: who }) => {
  typists.stop(who);
  showTyping();
});

socket.on("notice", ({ text }) => {
  $("compose-error").textContent = text;
});

function showTyping() {
  view.showTyping(typingText(typists.names(now())));
}
setInterval(showTyping, 1000);

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  $("login-error").textContent = "";
  logIn($("name").value);
});

// Writing.

let typingSince; // when "typing" was last sent, while it holds
let typingEnds;

function stopTyping() {
  clearTimeout(typingEnds);
  if (typingSince !== undefined) socket.emit("stop typing");
  typingSince = undefined;
}

function keepTyping() {
  if (!joined) return;
  if (typingSince === undefined || now() - typingSince > TYPING_REPEATS_MS) {
    socket.emit("typing");
    typingSince = now();
  }
  clearTimeout(typingEnds);
  typingEnds = setTimeout(stopTyping, TYPING_ENDS_MS);
}

function send() {
  const text = $("text").value;
  if (!joined || text.trim() === "") return;
  $("compose-error").textContent = "";
  const at = new Date();
  const here = about.index;
  const item = view.addMessage({ username, text, id: socket.id, server: here, mine: true, at });
  item.classList.add("pending");
  socket.timeout(ANSWER_MS).emit("new message", text, (error, answer) => {
    item.classList.remove("pending");
    if (!error && answer.ok) return;
    item.classList.add("failed");
    $("compose-error").textContent = answer?.text ?? "The last message may not have been sent.";
  });
  view.showPath(route(here, upServers(), here), true);
  $("text").value = "";
  grow();
  stopTyping();
}

function grow() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}

$("text").addEventListener("input", () => {
  grow();
  if ($("text").value === "") stopTyping();
  else keepTyping();
});

$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});

$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

// The list of things to try closes like a menu.
document.addEventListener("click", ({ target }) => {
  if (!$("tries").contains(target)) $("tries").open = false;
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") $("tries").open = false;
});

$("name").focus();

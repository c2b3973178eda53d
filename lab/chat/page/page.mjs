// The page: chat/client.mjs, which the lab's clients are as well, and what it says made visible.

import { ChatClient } from "/client.mjs";

const LINES_MAX = 500;
const $ = (id) => document.getElementById(id);

let client;
let username;
let said = 0;

function line(kind, ...parts) {
  const item = document.createElement("li");
  item.className = kind;
  item.append(...parts);
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  log.append(item);
  while (log.children.length > LINES_MAX) log.firstElementChild.remove();
  if (atEnd || kind === "mine") log.scrollTop = log.scrollHeight;
  return item;
}

function message(kind, who, text) {
  const name = document.createElement("bdi");
  name.textContent = who;
  const body = document.createElement("span");
  body.textContent = text;
  return line(kind, name, body);
}

const own = new Set();

function join(name) {
  username = name;
  const socket = window.io({ transports: ["websocket"], reconnectionDelay: 500, reconnectionDelayMax: 2000 });
  const on = {
    message({ key, username: who, message: text }) {
      if (!own.delete(key)) message("theirs", who ?? "", text);
    },
    up({ server, recovered }) {
      $("where").textContent = `on ${server}`;
      line("note", recovered ? `back on ${server}, nothing missed` : `connected to ${server}`);
      $("text").focus();
    },
    down(reason) {
      $("where").textContent = "reconnecting…";
      line("note", `connection lost (${reason})`);
    },
  };
  client = new ChatClient(socket, on, { username, history: true });
  for (const event of ["login", "user joined", "user left"]) {
    socket.on(event, (news) => {
      $("count").textContent = `${news.numUsers} online`;
      if (event !== "login") line("note", `${news.username} ${event.slice(5)}`);
    });
  }
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  $("login").hidden = true;
  $("compose").hidden = false;
  join($("name").value.trim());
});

$("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value;
  $("text").value = "";
  const key = `${username.slice(0, 20)} ${Date.now()} ${++said}`;
  const item = message("mine pending", username, text);
  own.add(key);
  const ok = await client.say(text, key);
  own.delete(key); // without a durable history it is not told to us
  item.classList.remove("pending");
  if (!ok) item.classList.add("failed");
});

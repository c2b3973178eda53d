// The page's elements. Whatever a user wrote becomes text, never markup.

import { initial } from "./room.js";

const LOG_LINES_MAX = 500;
const AT_END_PX = 80;
/** Messages of one user within this time share a heading. */
const GROUP_MS = 120_000;

export const $ = (id) => document.getElementById(id);

/** An element with attributes, and children that are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const link = (href, text, label) =>
  element("a", { href, target: "_blank", rel: "noopener", "aria-label": label }, text);

const avatar = (username, server) =>
  element("span", { class: "avatar", "data-server": server, "aria-hidden": "true" }, initial(username));

/** Where a port of this machine is reached from where the page is looked at. */
export const address = (port) => `${location.protocol}//${location.hostname}:${port}/`;

const STATES = {
  up: "up",
  down: "down",
  alone: "sidecar away",
  unknown: "not known",
};

export function showServers(cards, ownId) {
  $("servers").replaceChildren(...cards.map((card) => serverCard(card, ownId)));
}

function serverCard(card, ownId) {
  const name = `Server ${card.index}`;
  const people = card.users.map((user) =>
    element(
      "li",
      {},
      avatar(user.username, card.index),
      element("bdi", {}, user.username),
      user.id === ownId ? element("span", { class: "tag" }, "you") : undefined,
    ),
  );
  return element(
    "li",
    { class: "server", "data-server": card.index, "data-state": card.state },
    element(
      "div",
      { class: "server-head" },
      element("h3", {}, name),
      card.self ? element("span", { class: "tag" }, "you are here") : undefined,
      element("span", { class: "state" }, STATES[card.state]),
    ),
    element("ul", { class: "people", "aria-label": `On ${name}` }, ...people),
    people.length === 0 ? element("p", { class: "nobody" }, "nobody") : undefined,
    element(
      "p",
      { class: "links" },
      card.self ? undefined : link(address(card.chatPort), "chat", `Open the chat of ${name}`),
      link(address(card.adminPort), "sidecar", `Dashboard of ${name}'s sidecar`),
    ),
  );
}

export function showPath(stations, moving) {
  const path = $("path");
  path.replaceChildren(
    ...stations.map(({ text, server }) => element("li", { "data-server": server }, text)),
  );
  path.classList.toggle("moving", moving);
}

let last = {};

/** @param message {username, text, id, server, mine, at: Date} */
export function addMessage(message) {
  const { username, text, id, server, mine, at } = message;
  const follows = last.id === id && at - last.at < GROUP_MS;
  last = { id, at };
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const item = element(
    "li",
    { class: `message${mine ? " mine" : ""}${follows ? " follows" : ""}`, "data-server": server },
    avatar(username, server),
    element(
      "p",
      { class: follows ? "head unseen" : "head" },
      element("bdi", { class: "who" }, mine ? "you" : username),
      element("span", { class: "where" }, `server ${server}`),
      element("time", { datetime: at.toISOString() }, time),
    ),
    element("p", { class: "text", dir: "auto" }, text),
  );
  append(item);
  return item;
}

/** A line about the chat itself. @param kind joined, left, away or back */
export function addLine(kind, ...parts) {
  last = {};
  append(element("li", { class: "line", "data-kind": kind }, ...parts));
}

export const name = (username) => element("bdi", {}, username);

/** Whether the reader is at the end of the log, and should stay there. */
let atEnd = true;
const toEnd = () => ($("log").scrollTop = $("log").scrollHeight);
$("log").addEventListener("scroll", ({ target }) => {
  atEnd = target.scrollHeight - target.scrollTop - target.clientHeight < AT_END_PX;
});
new ResizeObserver(() => atEnd && toEnd()).observe($("log"));

function append(item) {
  const lines = $("lines");
  lines.append(item);
  while (lines.children.length > LOG_LINES_MAX) lines.firstElementChild.remove();
  if (atEnd || item.classList.contains("mine")) toEnd();
}

/** @param state ok, wait or warn */
export function showConnection(state, text) {
  const pill = $("connection");
  if (pill.textContent !== text) pill.textContent = text;
  pill.dataset.state = state;
}

export function showTyping(text) {
  const line = $("typing");
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("on", text !== "");
}

export function showSelf(about) {
  const badge = $("badge");
  badge.textContent = `server ${about.index}`;
  badge.dataset.server = about.index;
  badge.hidden = false;
  document.body.dataset.server = about.index;
  document.title = `server ${about.index} · SocketMesh chat`;
  $("explain").replaceChildren(
    "You are on ",
    element("strong", { "data-server": about.index }, `server ${about.index}`),
    ` of ${about.servers.length} · messages travel app → sidecar → sidecar → app`,
  );
  $("login-title").textContent = `Join on server ${about.index}`;
}

/** @param cards what serverCards() returned: the process ids change with each restart */
export function showTries(cards) {
  const others = cards.filter((card) => !card.self);
  const open = element("li", {}, "Open ");
  for (const [i, card] of others.entries()) {
    open.append(i > 0 ? " and " : "", link(address(card.chatPort), `server ${card.index}`));
  }
  open.append(" in other windows, and talk.");
  const kills = cards
    .filter((card) => card.pid !== undefined)
    .map((card) =>
      element(
        "li",
        {},
        `Kill ${card.self ? "this server" : `server ${card.index}`}: `,
        element("code", {}, `kill -9 ${card.pid}`),
        card.self ? ". The page comes back by itself." : ". Its users leave, and come back.",
      ),
    );
  $("try").replaceChildren(
    open,
    ...kills,
    element("li", {}, "Kill a sidecar: nobody leaves, and what is written meanwhile arrives."),
  );
}

import assert from "node:assert/strict";
import test from "node:test";
import { initial, recoveredText, route, serverCards, Typists, TYPING_LASTS_MS, typingText } from "../public/room.js";

const about = {
  index: 2,
  servers: [1, 2, 3].map((index) => ({ index, chatPort: 3000 + index, adminPort: 7000 + index })),
};
const user = (id) => ({ id, username: id });

test("typing lasts until it is stopped, or not repeated in time", () => {
  const typists = new Typists();
  typists.start("ann", 0);
  typists.start("bob", 1000);
  typists.start("cid", 1000);
  typists.stop("cid");
  assert.deepEqual(typists.names(1000), ["ann", "bob"]);
  assert.deepEqual(typists.names(TYPING_LASTS_MS), ["bob"]);
  typists.start("bob", TYPING_LASTS_MS);
  assert.deepEqual(typists.names(TYPING_LASTS_MS + 1000), ["bob"]);
  typists.clear();
  assert.deepEqual(typists.names(TYPING_LASTS_MS + 1000), []);
});

test("who is typing, in words", () => {
  assert.equal(typingText([]), "");
  assert.equal(typingText(["a"]), "a is typing");
  assert.equal(typingText(["a", "b"]), "a and b are typing");
  assert.equal(typingText(["a", "b", "c"]), "a, b and c are typing");
  assert.equal(typingText(["a", "b", "c", "d"]), "4 people are typing");
});

test("a card for each server, up where it is in the list", () => {
  const users = {
    sidecar: "attached",
    servers: [
      { id: "m2", index: 2, pid: 22, users: [user("x")] },
      { id: "m1", index: 1, pid: 11, users: [] },
    ],
  };
  const cards = serverCards(about, users, true);
  assert.deepEqual(cards.map((card) => card.state), ["up", "up", "down"]);
  assert.deepEqual(cards.map((card) => card.self), [false, true, false]);
  assert.deepEqual(cards.map((card) => card.pid), [11, 22, undefined]);
  assert.deepEqual(cards[1].users, [user("x")]);
  assert.equal(cards[2].adminPort, 7003);
});

test("a server that restarts may be there twice for a moment", () => {
  const users = {
    sidecar: "attached",
    servers: [
      { id: "old", index: 1, pid: 10, users: [user("x")] },
      { id: "new", index: 1, pid: 11, users: [user("y")] },
    ],
  };
  const [card] = serverCards(about, users, true);
  assert.deepEqual(card.users, [user("x"), user("y")]);
  assert.equal(card.pid, 11);
});

test("without a connection nothing is known of the others; without a sidecar it is said", () => {
  const users = { sidecar: "away", servers: [{ id: "m2", index: 2, users: [] }] };
  assert.deepEqual(serverCards(about, users, true).map((card) => card.state), ["down", "alone", "down"]);
  assert.deepEqual(serverCards(about, users, false).map((card) => card.state), [
    "unknown", "down", "unknown",
  ]);
  assert.equal(serverCards(about, undefined, true)[1].state, "up");
});

test("the way of a message", () => {
  const texts = (...args) => route(...args).map(({ text }) => text).join(" → ");
  assert.equal(texts(2, [1, 2, 3], 2), "you → server 2 → sidecar 2 → sidecars 1, 3 → servers 1, 3");
  assert.equal(texts(2, [2, 3], 2), "you → server 2 → sidecar 2 → sidecar 3 → server 3");
  assert.equal(texts(2, [2], 2), "you → server 2");
  assert.equal(texts(1, [1, 2], 2), "server 1 → sidecar 1 → sidecar 2 → server 2 → you");
});

test("initials", () => {
  assert.equal(initial("ann"), "A");
  assert.equal(initial("👩x"), "👩");
  assert.equal(initial(""), "?");
});

test("what a recovered page says", () => {
  assert.equal(recoveredText(0), "recovered, 0 missed messages replayed");
  assert.equal(recoveredText(1), "recovered, 1 missed message replayed");
});

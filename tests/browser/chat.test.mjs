// Three people in three browsers on three servers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  DESKTOP, launchBrowser, log, logIn, messageBox, online, openPage, peopleOn, PHONE, say, screenshot,
} from "./browser.mjs";
import { Demo, until } from "./demo.mjs";

let demo;
let browser;
let pages;
const ANIMATION_MS = 1500;
const NAMES = ["Ann", "Bob", "Chidi"];

before(async () => {
  demo = await Demo.start();
  browser = await launchBrowser();
  pages = await Promise.all(
    demo.chat.map((url, i) => openPage(browser, url, { ...DESKTOP, colorScheme: i ? "light" : "dark" })),
  );
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

const everywhere = (what, probe, over = pages) =>
  Promise.all(over.map((page) => until(what, () => probe(page), 15_000)));
const seen = (page, text) => log(page).getByText(text, { exact: true }).first().isVisible();
const times = async (page, text) => (await log(page).getByText(text, { exact: true }).all()).length;
/** Lines of the log that begin so, the sign in front being style. */
const lineCount = async (page, text) =>
  (await log(page).getByRole("listitem").allTextContents()).filter((line) => line.startsWith(text)).length;

test("everyone logs in, and is counted and listed everywhere", async () => {
  for (const [i, page] of pages.entries()) await logIn(page, NAMES[i]);
  await everywhere("3 online", async (page) => (await online(page)) === "3");
  for (const page of pages) {
    for (const [i, name] of NAMES.entries()) assert.deepEqual(await peopleOn(page, i + 1), [name]);
  }
  assert.equal(await lineCount(pages[0], "Bob joined"), 1);
  assert.equal(await lineCount(pages[0], "Chidi joined"), 1);
  assert.match(await pages[1].title(), /server 2/);
});

test("a message is seen by all, once, as it was written", async () => {
  const text = `<img src=x onerror="document.title='broken'"> & "quotes" ✓`;
  await say(pages[0], text);
  await everywhere("the message", (page) => seen(page, text));
  await say(pages[1], "answer from server 2");
  await say(pages[2], "and from server 3");
  for (const message of [text, "answer from server 2", "and from server 3"]) {
    await everywhere(message, (page) => seen(page, message));
    for (const page of pages) assert.equal(await times(page, message), 1);
  }
  assert.match(await pages[0].title(), /server 1/);
});

test("typing is shown to the others, and ends", async () => {
  await messageBox(pages[2]).pressSequentially("I am", { delay: 30 });
  const others = [pages[0], pages[1]];
  await everywhere("typing", (page) => page.getByText("Chidi is typing").isVisible(), others);
  assert.equal(await pages[2].getByText("Chidi is typing").count(), 0);
  await everywhere("typing to end", async (page) => !(await page.getByText("is typing").count()), others);
  await messageBox(pages[2]).fill("");
});

test("it looks as it should: light, dark and on a phone", async () => {
  await say(pages[0], "Hello from server 1. This went to my sidecar once, and from there to yours.");
  await say(pages[0], "Is anybody there?");
  await until("it to arrive", () => seen(pages[1], "Is anybody there?"));
  await say(pages[1], "Yes, on server 2!");
  const phone = await openPage(browser, demo.chat[2], PHONE);
  await screenshot(phone, "chat-phone-login");
  await logIn(phone, "Dana");
  await say(phone, "And I am on a phone.");
  await everywhere("the phone's message", (page) => seen(page, "And I am on a phone."));
  await phone.waitForTimeout(ANIMATION_MS);
  await screenshot(pages[0], "chat-dark");
  await screenshot(pages[1], "chat-light");
  await screenshot(phone, "chat-phone");
  const width = await phone.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, PHONE.viewport.width, "nothing sticks out on a phone");
  assert.deepEqual(phone.problems, []);
  await phone.context().close();
  await everywhere("Dana to leave", async (page) => (await online(page)) === "3");
  const stranger = await openPage(browser, demo.chat[1]);
  await until("the list", async () => (await online(stranger)) === "3");
  await screenshot(stranger, "chat-login");
  await stranger.context().close();
});

test("until here no page had anything to complain about", () => {
  for (const page of pages) assert.deepEqual(page.problems, []);
});

test("a sidecar is killed: nobody leaves, and messages go on", async () => {
  const before = await Promise.all(pages.map((page) => lineCount(page, "")));
  const restarted = demo.killAndWait("sidecar", 1);
  for (let i = 0; i < 5; i++) await say(pages[0], `meanwhile ${i}`);
  for (let i = 0; i < 5; i++) await say(pages[1], `from elsewhere ${i}`);
  await restarted;
  const sent = [0, 1, 2, 3, 4].flatMap((i) => [`meanwhile ${i}`, `from elsewhere ${i}`]);
  for (const text of sent) await everywhere(text, (page) => seen(page, text));
  for (const page of pages) {
    for (const text of sent) assert.equal(await times(page, text), 1, text);
    assert.equal(await online(page), "3");
  }
  await say(pages[2], "all still here");
  await everywhere("a message after it", (page) => seen(page, "all still here"));
  for (const [i, page] of pages.entries()) {
    const lines = (await log(page).getByRole("listitem").allTextContents()).slice(before[i]);
    assert.deepEqual(lines.filter((line) => / (left|joined),/.test(line)), []);
  }
});

test("a server is killed: its users leave in the others, once, and come back with it, having missed nothing", async () => {
  const others = [pages[0], pages[2]];
  const restarted = demo.killAndWait("server", 2);
  await everywhere("Bob to leave", async (page) => (await lineCount(page, "Bob left")) === 1, others);
  await until("the page to say so", () => pages[1].getByText(/reconnecting to server 2/).isVisible());
  await screenshot(pages[1], "chat-reconnecting");
  const missed = ["while Bob is away", "and this"];
  for (const text of missed) await say(pages[0], text);
  await restarted;
  await until("the page to be recovered", () =>
    log(pages[1]).getByText("Back on server 2: recovered, 2 missed messages replayed").isVisible(),
  );
  for (const text of missed) assert.equal(await times(pages[1], text), 1);
  await everywhere("3 online again", async (page) => (await online(page)) === "3");
  for (const page of others) {
    assert.equal(await lineCount(page, "Bob left"), 1);
    assert.deepEqual(await peopleOn(page, 2), ["Bob"]);
  }
  await say(pages[1], "I am back");
  await everywhere("a message after it", (page) => seen(page, "I am back"));
});

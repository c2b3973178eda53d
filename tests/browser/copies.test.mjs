// The tile of copies for killed pods: where recovery.replicas is set, and only there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, launchBrowser, logIn, openPage, PHONE, say, screenshot } from "./browser.mjs";
import { Demo, until } from "./demo.mjs";

const TITLE = "Copies for killed pods";
let demo;
let browser;

before(async () => {
  demo = await Demo.start({ DEMO_REPLICAS: "1" });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

const tile = (page) => page.locator(".tile", { has: page.getByRole("heading", { name: TITLE }) });

test("copies at peers, their lag, and what is held for peers, as /status says", async () => {
  await until("every copy to be whole", async () => {
    const all = await Promise.all([1, 2, 3].map((number) => demo.status(number)));
    return all.every(({ recovery }) => recovery.copies_whole === 1 && recovery.homes === 1);
  });
  const chat = await openPage(browser, demo.chat[0]);
  await logIn(chat, "Ada");
  const looks = {
    "copies-light": { ...DESKTOP, colorScheme: "light" },
    "copies-dark": { ...DESKTOP, colorScheme: "dark" },
    "copies-phone": PHONE,
  };
  for (const [name, options] of Object.entries(looks)) {
    const page = await openPage(browser, demo.admin[0], options);
    await until("the lag on the page", async () => {
      await say(chat, `hello ${name}`);
      return /\d (µs|ms) *\s*lag, p99/.test(await tile(page).innerText({ timeout: 5000 }));
    });
    assert.match(await tile(page).innerText(), /1 of 1\s+copies at peers/);
    await tile(page).scrollIntoViewIfNeeded();
    await screenshot(page, name);
    assert.deepEqual(page.problems, []);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= options.viewport.width, `${name}: ${width} px wide`);
    await page.context().close();
  }
  const all = await Promise.all([1, 2, 3].map((number) => demo.status(number)));
  const held = all.map(({ recovery }) => recovery);
  assert.equal(held.reduce((sum, each) => sum + each.held_homes, 0), 3);
  assert.equal(held.reduce((sum, each) => sum + each.held_sessions, 0), 1);
  const keeper = held.findIndex(({ held_sessions }) => held_sessions === 1);
  const page = await openPage(browser, demo.admin[keeper]);
  const shown = async () => /1 held for peers/.test(await tile(page).innerText());
  await until("the session on its keeper's page", shown);
  await page.context().close();
});

test("a killed sidecar's sessions are shown as taken over, and copies are whole again", async () => {
  const takeovers = async () => {
    const all = await Promise.all([2, 3].map((number) => demo.status(number)));
    return all.findIndex(({ counters }) => counters.takeovers.whole + counters.takeovers.gap > 0);
  };
  const [server, sidecar] = ["server", "sidecar"].map((what) => demo.pidOf(what, 1));
  process.kill(server, "SIGKILL");
  process.kill(sidecar, "SIGKILL");
  const at = await until("the takeover", async () => (await takeovers()) + 1);
  const page = await openPage(browser, demo.admin[at]);
  await until("the takeover on the page", async () => /1 taken over/.test(await tile(page).innerText()));
  await until("whole copies", async () => {
    const status = await demo.status(at + 1);
    return status.recovery.copies_whole === status.recovery.homes;
  }, 20_000);
  assert.deepEqual(page.problems, []);
});

// Every sidecar's dashboard shows what its /status says, and updates by itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, launchBrowser, openPage, PHONE, screenshot } from "./browser.mjs";
import { Demo, until } from "./demo.mjs";

let demo;
let browser;

before(async () => {
  demo = await Demo.start();
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

const text = (page) => page.locator("body").innerText();

for (const number of [1, 2, 3]) {
  test(`sidecar ${number}: three members and two links`, async () => {
    const status = await until("the whole mesh", async () => {
      const now = await demo.status(number);
      const linked = now.links.filter((link) => link.state === "linked");
      return now.members.length === 3 && linked.length === 2 && now;
    });
    assert.equal(status.members.filter((member) => member.local).length, 1);
    const page = await openPage(browser, demo.admin[number - 1]);
    const names = [
      ...status.members.map((member) => member.name),
      ...status.links.map((link) => link.peer),
    ];
    for (const name of names) {
      await until(`${name} on the page`, async () => (await text(page)).includes(name));
    }
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

test("it looks as it should: light, dark and on a phone", async () => {
  const looks = {
    "dashboard-light": { ...DESKTOP, colorScheme: "light" },
    "dashboard-dark": { ...DESKTOP, colorScheme: "dark" },
    "dashboard-phone": PHONE,
  };
  for (const [name, options] of Object.entries(looks)) {
    const page = await openPage(browser, demo.admin[0], options);
    const { members } = await demo.status(1);
    await until("the page to be filled", async () => (await text(page)).includes(members[0].name));
    await page.waitForTimeout(2500);
    await screenshot(page, name);
    assert.deepEqual(page.problems, []);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= options.viewport.width, `${name}: ${width} px wide`);
    await page.context().close();
  }
});

test("a killed server disappears, and its successor appears, without a reload", async () => {
  const page = await openPage(browser, demo.admin[0]);
  const nameOf = async () => {
    const { members } = await demo.status(2);
    return members.find((member) => member.local)?.name;
  };
  const before = await nameOf();
  await until("the server on the page", async () => (await text(page)).includes(before));
  await demo.killAndWait("server", 2);
  const next = await until("the next server", async () => {
    const name = await nameOf();
    return name !== before && name;
  });
  await until("the next server on the page", async () => (await text(page)).includes(next));
  await until("the killed one to be gone", async () => !(await text(page)).includes(before), 30_000);
  assert.deepEqual(page.problems, []);
});

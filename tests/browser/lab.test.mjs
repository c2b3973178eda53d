// The lab's report, drawn from a small run, as it looks in a browser.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { CASES } from "../../lab/cases.mjs";
import { keepRecord, writeReport } from "../../lab/lib/report/write.mjs";
import { judge, verdictOf } from "../../lab/lib/verdict.mjs";
import { measure } from "../../lab/lib/tally.mjs";
import { record } from "../../lab/test/record.mjs";
import { DESKTOP, launchBrowser, openPage, PHONE, screenshot } from "./browser.mjs";

const SYSTEMS = [
  { name: "redis-single-node", title: "Redis, single node", ours: false, parts: "one redis-server" },
  { name: "socketmesh", title: "SocketMesh", ours: true, parts: "a sidecar beside each server" },
];
const LOOKS = { light: { ...DESKTOP, colorScheme: "light" }, dark: { ...DESKTOP, colorScheme: "dark" }, phone: PHONE };
const killed = CASES.find(({ id }) => id === "server-killed");

let browser;
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "socketmesh-lab-report-"));
  const runs = SYSTEMS.map((system) => {
    const run = { ...record(), system: system.name, case: killed.id };
    run.marks = [{ label: "chat server s1 killed", at: 250, until: 700 }];
    if (!system.ours) run.receipts[2] = run.receipts[2].slice(2);
    const measures = measure(run);
    const results = judge(killed.expects, measures);
    return keepRecord(folder, { ...run, measures, results, verdict: verdictOf(results, system) });
  });
  const environment = { machine: { cpu: "a machine", cores: 2 }, versions: { node: "20" } };
  const about = { systems: SYSTEMS, cases: [killed], date: "2026-01-01 00:00", took_s: 60 };
  writeReport(folder, { runs, environment, ...about });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`the report, ${look}: nothing goes wrong, nothing sticks out`, async () => {
    const page = await openPage(browser, pathToFileURL(join(folder, "index.html")).href, options);
    await screenshot(page, `lab-${look}`);
    const [width, content] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(content <= width, `${content} px on a screen of ${width}`);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}

test("the table leads to a run, its plot tells what is under the pointer, and the record is there", async () => {
  const page = await openPage(browser, pathToFileURL(join(folder, "index.html")).href);
  await page.getByRole("cell", { name: "2 lost" }).getByRole("link").click();
  const panel = page.locator("#server-killed--redis-single-node");
  assert.ok(await panel.evaluate((element) => element.matches(":target")));
  await panel.locator("svg .hit").first().hover();
  assert.match(await page.locator("#tip").textContent(), /^0\.0 s: 2 sent · 2 in time · 2 lost · median 5 ms/);
  await panel.getByRole("link", { name: "the record (JSON)" }).click();
  assert.equal(JSON.parse(await page.locator("pre").textContent()).measures.missing, 2);
  await page.close();
});

// Headless Chromium, and pages that report what went wrong in them.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const SCREENSHOTS = fileURLToPath(new URL("../../build/screenshots/", import.meta.url));
mkdirSync(SCREENSHOTS, { recursive: true });

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

/** A browser with a fresh profile, which goes with it. */
export function launchBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
}

/**
 * A page in a context of its own.
 * @returns the page; page.problems holds console errors, CSP violations included, and exceptions
 */
export async function openPage(browser, url, options = DESKTOP) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.problems.push(message.text());
  });
  page.on("pageerror", (error) => page.problems.push(String(error)));
  await page.goto(url);
  return page;
}

export function screenshot(page, name) {
  return page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
}

// The chat page.

export async function logIn(page, name) {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await messageBox(page).waitFor();
}

export const messageBox = (page) => page.getByLabel("Message", { exact: true });
export const log = (page) => page.getByRole("log");

export async function say(page, text) {
  await messageBox(page).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** How many are online, as the page shows it. */
export async function online(page) {
  return page.getByRole("heading", { name: /^Online/ }).locator("span").textContent();
}

/** Whom the page shows on server `number`. */
export function peopleOn(page, number) {
  return page.getByRole("list", { name: `On Server ${number}` }).locator("bdi").allTextContents();
}

// The dashboard tells how links are secured, and how long the certificate lasts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Authority } from "../integration/support/certificates.mjs";
import { Sidecars } from "../integration/support/sidecar.mjs";
import { launchBrowser, openPage } from "./browser.mjs";
import { until } from "./demo.mjs";

let browser;
let authority;
let mesh;

before(async () => {
  authority = new Authority();
  mesh = await Sidecars.start(1, { certificates: () => authority.set({ seconds: 7200 }) });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await mesh?.stop();
  authority?.remove();
});

test("the certificate in use, and one that was refused", async () => {
  const [sidecar] = mesh.all;
  const page = await openPage(browser, `http://127.0.0.1:${sidecar.adminPort}/`);
  const security = page.locator("#security");
  await until("how long it lasts", async () => /links by mTLS, certificate for 1 h 5\d min/.test(await security.innerText()));
  assert.match(await security.getAttribute("title"), /^Until \d{4}-\d\d-\d\dT/);

  sidecar.secret.publish({ ...authority.set(), key: "no key\n" });
  await until("the refusal", async () => (await security.innerText()) === "links by mTLS, new certificate refused");
  assert.match(await security.getAttribute("title"), /tls\.key' holds no private key/);
  assert.equal(await security.getAttribute("data-level"), "warn");
  assert.deepEqual(page.problems, []);
});

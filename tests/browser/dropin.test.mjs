// The dashboard's place for drop-in: who is registered where, what is carried, and who must be restarted.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { encode } from "@msgpack/msgpack";
import WebSocket, { WebSocketServer } from "ws";
import { Sidecars } from "../integration/support/sidecar.mjs";
import { launchBrowser, openPage } from "./browser.mjs";
import { until } from "./demo.mjs";

const V2_HERE = "00000000000000aa";
const V2_THERE = "00000000000000bb";
const V1_HERE = "123e4567-e89b-12d3-a456-42661417400a";

let browser;
let mesh;
const apps = [];

/** An app that accepts connections, and is registered under `id`. */
async function register(sidecar, id) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const discovery = new WebSocket(`ws://${sidecar.dropin.discovery}`);
  await once(discovery, "open");
  const address = `ws://127.0.0.1:${server.address().port}`;
  discovery.send(encode({ type: "register", serverId: id, address }));
  const app = { server, discovery, address };
  apps.push(app);
  return app;
}

function end({ server, discovery }) {
  server.close();
  for (const socket of server.clients) socket.terminate();
  discovery.terminate();
}

before(async () => {
  mesh = await Sidecars.start(2, { dropin: {} });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  apps.forEach(end);
  await mesh?.stop();
});

/** The table of that title, and the texts of the cells of its rows. */
const tableOf = (page, title) => page.locator(".card", { has: page.getByRole("heading", { name: title }) });
const rowsOf = async (page, title) => {
  const rows = await tableOf(page, title).locator("tbody tr").all();
  return Promise.all(rows.map((row) => row.locator("td").allTextContents()));
};

test("servers, tunnels, and the v1 app that needs a restart", async () => {
  const [here, there] = mesh.all;
  const [mine, theirs, v1] = [
    await register(here, V2_HERE), await register(there, V2_THERE), await register(here, V1_HERE),
  ];
  const page = await openPage(browser, `http://127.0.0.1:${here.adminPort}/`);
  const servers = () => rowsOf(page, "Drop-in servers");
  const tunnels = () => rowsOf(page, "Drop-in tunnels");
  const rowOf = async (id) => (await servers()).find(([first]) => first === id);
  await until("three servers", async () => (await servers()).length === 3);
  assert.deepEqual(await rowOf(V2_HERE), [V2_HERE, "v2", "this one", mine.address, "registered"]);
  const { sidecar_id: sidecar } = await there.currentStatus();
  const carried = `ws://${here.dropin.tunnel}/${V2_THERE}`;
  assert.deepEqual(await rowOf(V2_THERE), [V2_THERE, "v2", sidecar, carried, "registered"]);
  await until("their number in the verdict", async () => /3 drop-in servers/.test(await page.locator("#verdict").innerText()));

  const tunnel = new WebSocket(carried);
  await once(tunnel, "open");
  await until("the tunnel", async () => (await tunnels()).some(([server, , dialled, state]) =>
    server === V2_THERE && dialled === "here" && state === "open"));
  tunnel.close();
  await until("its end", async () => /No connection is carried/.test(await tableOf(page, "Drop-in tunnels").innerText()));

  v1.discovery.terminate();
  await until("the v1 app that hears nothing", async () => (await rowOf(V1_HERE))?.[4] === "needs a restart");
  await until("the same in the verdict", async () =>
    /1 v1 app here must be restarted to see new servers/.test(await page.locator("#verdict").innerText()));

  end(theirs);
  await until("the dead one to be gone", async () => (await rowOf(V2_THERE)) === undefined);
  assert.deepEqual(page.problems, []);
});

test("without drop-in there is no word of it", async () => {
  const plain = await Sidecars.start(1);
  try {
    const page = await openPage(browser, `http://127.0.0.1:${plain.all[0].adminPort}/`);
    await until("the page to be filled", async () => /member/.test(await page.locator("#verdict").innerText()));
    assert.doesNotMatch(await page.locator("body").innerText(), /drop-in/i);
    assert.deepEqual(page.problems, []);
  } finally {
    await plain.stop();
  }
});

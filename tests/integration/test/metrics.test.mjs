// docs/metrics.md lists what a sidecar exports. UPDATE_METRICS=1 writes its table anew.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { section, table } from "../support/metrics-table.mjs";
import { Sidecars } from "../support/sidecar.mjs";

const path = fileURLToPath(new URL("../../../docs/metrics.md", import.meta.url));

it("docs/metrics.md lists every metric of a sidecar, with its labels", async () => {
  const sidecars = await Sidecars.start(1, { dropin: {}, recovery: "{replicas: 1}" });
  try {
    const response = await fetch(`http://127.0.0.1:${sidecars.all[0].adminPort}/metrics`);
    const wanted = table(await response.text());
    const page = readFileSync(path, "utf8");
    const { start, end, text } = section(page, "sidecar");
    if (process.env.UPDATE_METRICS) {
      writeFileSync(path, page.slice(0, start) + wanted + page.slice(end));
    } else {
      assert.equal(text, wanted);
    }
  } finally {
    await sidecars.stop();
  }
});

// What the other tests stand on leaves nothing behind.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { Sidecars } from "../support/sidecar.mjs";

it("a mesh that fails to start is cleaned up, and says why", async () => {
  const before = process.env.TMPDIR;
  const directory = mkdtempSync(join(tmpdir(), "socketmesh-support-"));
  process.env.TMPDIR = directory;
  try {
    await assert.rejects(Sidecars.start(2, { mesh: "Not a name" }), /sidecar s\d ended; its log:\n.*mesh\.name/s);
    assert.deepEqual(readdirSync(directory), []);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(directory, { recursive: true });
  }
});

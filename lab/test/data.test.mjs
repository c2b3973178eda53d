// The tables and files that the lab is made of.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { CASES } from "../cases.mjs";
import { ACTIONS } from "../lib/actions.mjs";
import { optionsFrom, select, SelectionError } from "../lib/options.mjs";
import { SIDECAR, sidecarsMissing } from "../lib/sidecars.mjs";
import { portsFrom } from "../lib/stage.mjs";
import { fill } from "../lib/template.mjs";
import { MEASURES } from "../lib/verdict.mjs";
import { parseNodes } from "../redis-streams-cluster/nodes.mjs";
import { SYSTEMS } from "../systems.mjs";

const unique = (list) => new Set(list).size === list.length;
const FOLDERS = ["redis-single-node", "redis-streams-cluster", "postgres-reconnection", "socketmesh"];

test("every case names actions and measures that there are, and says what it expects and why", () => {
  assert.ok(unique(CASES.map(({ id }) => id)));
  for (const { id, expects, script, what, seconds } of CASES) {
    assert.ok(what.length > 20 && expects.length > 0, id);
    for (const { measure, because } of expects) assert.ok(measure in MEASURES && because, id);
    for (const { do: name, at } of script) assert.ok(name in ACTIONS && at < Math.max(seconds, 1), id);
  }
});

test("systems have names and ports of their own", () => {
  assert.ok(unique(SYSTEMS.map(({ name }) => name)));
  const ports = SYSTEMS.flatMap((_, i) => Object.values(portsFrom(21_000, i)).flat());
  assert.ok(unique(ports));
});

test("selections: all, some, in the order of the tables; an unknown name says what there is", () => {
  assert.deepEqual(select("case", "", ["a", "b"]), ["a", "b"]);
  assert.deepEqual(select("case", "b, a", ["a", "b"]), ["a", "b"]);
  assert.throws(() => select("case", "c", ["a", "b"]), (error) => {
    return error instanceof SelectionError && /c.*a, b/.test(error.message);
  });
  const known = { systems: ["x"], cases: ["y"], out: "report" };
  assert.equal(optionsFrom({}, known).port, 21_000);
  for (const LAB_PORT of ["80", "50001", "x"]) {
    assert.throws(() => optionsFrom({ LAB_PORT }, known), SelectionError);
  }
});

test("a template that asks for what it is not given is refused", () => {
  assert.equal(fill("a ${B} $c", { B: 1 }), "a 1 $c");
  assert.throws(() => fill("${NOT}", {}), /NOT/);
});

test("CLUSTER NODES is read: roles, failures, slots", () => {
  const text = [
    "a1 127.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-5460",
    "b2 127.0.0.1:7002@17002 master,fail - 0 0 2 disconnected 5461 5500-5600",
    "c3 127.0.0.1:7003@17003 slave a1 0 0 1 connected",
    "d4 127.0.0.1:7004@17004,host master - 0 0 3 connected 7 [8->-a1]",
  ].join("\n");
  assert.deepEqual(
    parseNodes(text).map((node) => [node.port, node.master, node.failed, node.masterId, node.slots]),
    [
      [7001, true, false, undefined, [[0, 5460]]],
      [7002, true, true, undefined, [[5461, 5461], [5500, 5600]]],
      [7003, false, false, "a1", []],
      [7004, true, false, undefined, [[7, 7]]],
    ],
  );
});

test("each system has a compose file whose files and services are there, and a page about it", () => {
  for (const folder of FOLDERS) {
    const base = new URL(`../${folder}/`, import.meta.url);
    assert.ok(existsSync(new URL("README.md", base)), folder);
    const { services } = parse(readFileSync(new URL("compose.yaml", base), "utf8"), { merge: true });
    for (const [name, service] of Object.entries(services)) {
      const where = `${folder}: ${name}`;
      assert.ok(service.image || service.build, where);
      const before = service.depends_on ?? [];
      for (const needed of Array.isArray(before) ? before : Object.keys(before)) {
        assert.ok(services[needed], `${where} needs ${needed}`);
      }
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(":");
        if (source.startsWith(".")) assert.ok(existsSync(new URL(source, base)), `${where}: ${source}`);
      }
      const { build } = service;
      if (!build) continue;
      const context = new URL(`${build.context}/`, base);
      assert.ok(existsSync(new URL(build.dockerfile, context)), `${where}: ${build.dockerfile}`);
    }
  }
});

test("a sidecar takes the containers' configuration, with the certificates made for it", { skip: sidecarsMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "socketmesh-lab-certificates-"));
  try {
    const base = new URL("../socketmesh/", import.meta.url);
    const make = () => execFileSync(fileURLToPath(new URL("certificates.sh", base)), [folder]);
    make();
    const certificate = readFileSync(join(folder, "tls.crt"), "utf8");
    const config = join(folder, "sidecar.yaml");
    const text = readFileSync(new URL("sidecar.yaml", base), "utf8");
    writeFileSync(config, text.replaceAll("/certificates/", `${folder}/`));
    execFileSync(SIDECAR, ["--config", config, "--check-config"]);
    make();
    assert.equal(readFileSync(join(folder, "tls.crt"), "utf8"), certificate, "made once");
    assert.ok(!existsSync(join(folder, "ca.key")));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

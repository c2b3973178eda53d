import assert from "node:assert/strict";
import { test } from "node:test";
import { grids } from "../lib/grids.mjs";
import { parseOptions, suiteNames } from "../lib/options.mjs";
import { fullSystems, mainSystems, recoverySystems } from "../systems/index.mjs";

test("without options: the main suites, five runs of four seconds, the main grid", () => {
  const options = parseOptions([], {});
  assert.deepEqual(options.suites, ["memory", "convergence", "adapter"]);
  assert.equal(options.runs, 5);
  assert.equal(options.seconds, 4);
  assert.equal(options.scenarios, grids.main);
  assert.equal(options.systems, mainSystems);
});

test("full: everything there is; names: these, in the suite's own order", () => {
  const full = parseOptions([], { SUITE: "full" });
  assert.deepEqual(full.suites, suiteNames);
  assert.equal(full.scenarios, grids.full);
  assert.equal(full.systems, fullSystems);
  assert.equal(full.runs, 3);
  const some = parseOptions(["--suite", "relay,main", "--connections", "10,20"], {});
  assert.deepEqual(some.suites, ["memory", "convergence", "adapter", "relay"]);
  assert.deepEqual(some.connections, [10, 20]);
});

test("recovery: on and off, and the other adapter that recovers, unless systems are named", () => {
  const { systems } = parseOptions(["--suite", "recovery"], {});
  for (const name of recoverySystems) assert.ok(systems.includes(name), name);
  assert.deepEqual(parseOptions(["--suite", "recovery", "--systems", "redis"], {}).systems, ["redis"]);
  assert.deepEqual(parseOptions(["--suite", "adapter"], {}).systems, mainSystems);
});

test("a flag wins over the environment", () => {
  const options = parseOptions(["--runs", "2", "--systems=a,b"], { RUNS: "7", SECONDS: "1.5" });
  assert.equal(options.runs, 2);
  assert.equal(options.seconds, 1.5);
  assert.deepEqual(options.systems, ["a", "b"]);
});

test("quick: one run of one second, unless told otherwise", () => {
  assert.equal(parseOptions(["--quick"], {}).runs, 1);
  assert.equal(parseOptions([], { QUICK: "1", RUNS: "3" }).runs, 3);
  assert.equal(parseOptions([], { QUICK: "0" }).quick, false);
});

test("a grid of one's own: every combination, all meaning all receivers", () => {
  const { scenarios } = parseOptions(["--servers", "3,7", "--holders", "all,1", "--rates", "0"], {});
  assert.deepEqual(scenarios, [
    { servers: 3, holders: 3, publishers: 1, bytes: 128, rate: 0 },
    { servers: 3, holders: 1, publishers: 1, bytes: 128, rate: 0 },
    { servers: 7, holders: 7, publishers: 1, bytes: 128, rate: 0 },
    { servers: 7, holders: 1, publishers: 1, bytes: 128, rate: 0 },
  ]);
  const many = parseOptions(["--servers", "3", "--publishers", "all", "--rates", "0"], {});
  assert.deepEqual(many.scenarios, [{ servers: 3, holders: 3, publishers: 4, bytes: 128, rate: 0 }]);
});

test("what can't be used is named", () => {
  const refused = [
    [["--rnus", "3"], /no option '--rnus'/],
    [["runs"], /no option 'runs'/],
    [["--runs", "0"], /--runs 0: wants a whole number, 1 or more/],
    [["--runs", "many"], /--runs many/],
    [["--runs"], /--runs wants a value/],
    [["--suite", "speed"], /--suite: no 'speed'; there are: memory/],
    [["--grid", "huge"], /no grid 'huge'; there are: main/],
    [["--grid", "main", "--rates", "0"], /--grid can't be combined with --rates/],
    [["--servers", "3", "--holders", "4"], /--holders 4: wants a whole number, 1 to 3/],
  ];
  for (const [argv, message] of refused) assert.throws(() => parseOptions(argv, {}), message);
});

// What to measure, from flags (`--runs 3`) and from the environment (`RUNS=3`); a flag wins.
// Throws an Error that names the option when a value can't be used.
import { fullSystems, mainSystems, recoverySystems } from "../systems/index.mjs";
import { grids } from "./grids.mjs";

/** In this order: memory at rest before the machine is warm, the long ones last. */
export const suiteNames = [
  ...["memory", "convergence", "adapter", "dropin", "recovery", "relay", "clients", "interest"],
  ...["seed", "scale"],
];

/** Sets of suites with a name: what they run, which grid of the adapter suite, and which systems. */
const kSets = {
  main: { suites: ["memory", "convergence", "adapter"], grid: "main", systems: mainSystems },
  full: { suites: suiteNames, grid: "full", systems: fullSystems },
};

/** Suites of which the main systems have nothing to show measure these as well. */
const kMoreSystems = { recovery: recoverySystems };

export const usage = `usage: node bench/run.mjs [--option VALUE]... [--quick] [--help]

Each option is also an environment variable (--runs 3 is RUNS=3).
  --suite NAMES    main (memory, convergence, adapter with the main grid), full (all of them, the
                   full grid, all systems), or some of ${suiteNames.join(", ")}
                   (default: main)
  --grid NAME      scenarios of the adapter suite: ${Object.keys(grids).join(", ")} (default: the set's)
  --systems NAMES  (default: ${mainSystems.join(",")}; with full also
                   ${fullSystems.filter((name) => !mainSystems.includes(name)).join(",")};
                   with recovery also ${recoverySystems.filter((name) => !mainSystems.includes(name)).join(",")})
  --runs N         rounds, each with a run of every system and scenario (default: 5; 3 with full)
  --seconds S      of publishing in a run (default: 4)
  --servers N,...  receiving servers                  these five make a grid of their own
  --holders N,...  of them that hold the room, or all
  --publishers N   1, or all
  --bytes N,...    of payload
  --rates N,...    emits a second, 0 = saturation
  --connections N,...   of the clients suite (default: 300,3000), and at most of seed
  --out FOLDER     where the results go (default: bench/results, or bench/tmp with --quick)
  --profile FOLDER where server processes leave .cpuprofile files (default: none)
  --quick          a smoke test: one run of one second; keeps no results in bench/results
`;

/** `argv` without node and script; `environment` as process.env. */
export function parseOptions(argv, environment) {
  const given = { ...fromEnvironment(environment), ...fromFlags(argv) };
  const quick = given.quick !== undefined && given.quick !== "0";
  const set = kSets[given.suite ?? "main"];
  const some = names(given, "suite", [...suiteNames, ...Object.keys(kSets)]) ?? [];
  const listed = new Set(some.flatMap((name) => kSets[name]?.suites ?? [name]));
  const runs = quick ? 1 : given.suite === "full" ? 3 : 5;
  return {
    help: given.help !== undefined,
    quick,
    suites: set?.suites ?? suiteNames.filter((name) => listed.has(name)),
    systems: names(given, "systems") ?? set?.systems ?? systemsOf(some),
    runs: number(given, "runs", { least: 1, whole: true }) ?? runs,
    seconds: number(given, "seconds", { least: 0.1 }) ?? (quick ? 1 : 4),
    scenarios: scenarios(given, set?.grid ?? "main"),
    connections: names(given, "connections")?.map((each) =>
      number({ connections: each }, "connections", { least: 1, whole: true }),
    ),
    outFolder: given.out,
    profileFolder: given.profile,
  };
}

const kGridKeys = ["servers", "holders", "publishers", "bytes", "rates"];
const kKeys = [
  ...["suite", "grid", "systems", "runs", "seconds", "connections", "out", "profile", "quick"],
  ...kGridKeys,
];

function systemsOf(suites) {
  return [...new Set([...mainSystems, ...suites.flatMap((name) => kMoreSystems[name] ?? [])])];
}

function fromEnvironment(environment) {
  const given = {};
  for (const key of kKeys) {
    const value = environment[key.toUpperCase()];
    if (value !== undefined && value !== "") given[key] = value;
  }
  return given;
}

function fromFlags(argv) {
  const given = {};
  for (let i = 0; i < argv.length; i++) {
    const [flag, inline] = argv[i].split(/=(.*)/s, 2);
    const key = flag.replace(/^--/, "");
    if (flag === key || ![...kKeys, "help"].includes(key)) {
      throw new Error(`no option '${flag}'`);
    }
    if (key === "quick" || key === "help") given[key] = inline ?? "1";
    else given[key] = inline ?? argv[++i];
    if (given[key] === undefined) throw new Error(`${flag} wants a value`);
  }
  return given;
}

function scenarios(given, fallback) {
  const own = kGridKeys.filter((key) => given[key] !== undefined);
  if (own.length === 0) {
    const grid = grids[given.grid ?? fallback];
    if (!grid) throw new Error(`no grid '${given.grid}'; there are: ${Object.keys(grids).join(", ")}`);
    return grid;
  }
  if (given.grid !== undefined) throw new Error(`--grid can't be combined with --${own[0]}`);
  const list = (key, value, limits) =>
    (given[key] ?? value).split(",").map((each) => number({ [key]: each }, key, limits));
  const found = [];
  for (const servers of list("servers", "3", { least: 1, whole: true })) {
    const publishers =
      given.publishers === "all"
        ? servers + 1
        : (number(given, "publishers", { least: 1, most: servers + 1, whole: true }) ?? 1);
    for (const bytes of list("bytes", "128", { least: 1, whole: true })) {
      for (const rate of list("rates", "12000,0", { least: 0, whole: true })) {
        for (const each of (given.holders ?? "all").split(",")) {
          const limits = { least: 1, most: servers, whole: true };
          const holders = each === "all" ? servers : number({ holders: each }, "holders", limits);
          found.push({ servers, holders, publishers, bytes, rate });
        }
      }
    }
  }
  return found;
}

function names(given, key, known) {
  if (given[key] === undefined) return undefined;
  const list = given[key].split(",");
  for (const each of list) {
    if (known && !known.includes(each)) {
      throw new Error(`--${key}: no '${each}'; there are: ${known.join(", ")}`);
    }
  }
  return list;
}

function number(given, key, { least, most = Infinity, whole = false }) {
  if (given[key] === undefined) return undefined;
  const value = Number(given[key]);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    const range = most === Infinity ? `${least} or more` : `${least} to ${most}`;
    throw new Error(`--${key} ${given[key]}: wants a ${whole ? "whole " : ""}number, ${range}`);
  }
  return value;
}

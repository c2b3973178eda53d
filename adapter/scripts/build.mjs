// Builds dist/: CommonJS and its types by tsc, and an ES module that re-exports it by name.
//
// The ES module is a face of the CommonJS build and not a second compilation: two copies of
// SocketMeshAdapter in one process would make `instanceof` and subclassing depend on who loaded it.
// Built beside dist/ and then put in its place, so that who runs it meanwhile finds a whole one.
import { execFileSync } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const fresh = join(root, `dist.${process.pid}`);
const old = join(root, `dist.${process.pid}.old`);

function buildInto(directory) {
  const tsc = require.resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.json"), "--outDir", directory], { stdio: "inherit" });
  const names = Object.keys(require(join(directory, "index.js"))).filter((name) => name !== "__esModule");
  const lines = ['import cjs from "./index.js";', ...names.map((name) => `export const ${name} = cjs.${name};`)];
  writeFileSync(join(directory, "index.mjs"), `${lines.join("\n")}\n`);
  writeFileSync(join(directory, "index.d.mts"), 'export * from "./index.js";\n');
}

try {
  buildInto(fresh);
  try {
    renameSync(dist, old);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  renameSync(fresh, dist);
} catch (error) {
  // tsc has said why, where it is its own failure.
  if (error.status === undefined) throw error;
  process.exitCode = 1;
} finally {
  for (const leftover of [fresh, old]) rmSync(leftover, { recursive: true, force: true });
}

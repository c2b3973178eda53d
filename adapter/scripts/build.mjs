// Builds dist/: CommonJS and its types by tsc, and an ES module that re-exports it by name.
//
// The ES module is a face of the CommonJS build and not a second compilation: two copies of
// SocketMeshAdapter in one process would make `instanceof` and subclassing depend on who loaded it.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const dist = `${root}dist/`;

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", `${root}tsconfig.json`], {
  stdio: "inherit",
});

const names = Object.keys(require(`${dist}index.js`)).filter((name) => name !== "__esModule");
const lines = [
  'import cjs from "./index.js";',
  ...names.map((name) => `export const ${name} = cjs.${name};`),
];
writeFileSync(`${dist}index.mjs`, `${lines.join("\n")}\n`);
writeFileSync(`${dist}index.d.mts`, 'export * from "./index.js";\n');

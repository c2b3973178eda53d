// Which version of a package the suite runs with.
import { existsSync, readFileSync } from "node:fs";

/** The version in bench/node_modules; throws when it is not installed. */
export function packageVersion(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  if (!existsSync(manifest)) throw new Error(`the package ${name} is not installed`);
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}

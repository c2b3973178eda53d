// Configuration files as people with Docker use them, filled in for this machine: ${NAME} is a value.

import { readFileSync, writeFileSync } from "node:fs";

/** Pure. Throws for a name that has no value. */
export function fill(text, values) {
  return text.replace(/\$\{([A-Z_][A-Z0-9_]*)\}/g, (_, name) => {
    if (values[name] === undefined) throw new Error(`the template asks for ${name}`);
    return `${values[name]}`;
  });
}

export function fillFile(from, to, values) {
  writeFileSync(to, fill(readFileSync(from, "utf8"), values));
}

// What `make lab SYSTEM=… CASE=…` selects. Pure.

/** A selection that names nothing; the message says what there is. */
export class SelectionError extends Error {}

/** @param text names separated by blanks or commas, empty for all; @param known in their order */
export function select(what, text, known) {
  const wanted = (text ?? "").split(/[\s,]+/).filter(Boolean);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new SelectionError(`no ${what} is called ${unknown.join(", ")}; there is ${known.join(", ")}`);
  }
  return wanted.length === 0 ? [...known] : known.filter((name) => wanted.includes(name));
}

/** @returns {systems, cases, out, port} @param env SYSTEM, CASE, LAB_OUT, LAB_PORT */
export function optionsFrom(env, { systems, cases, out }) {
  const port = env.LAB_PORT === undefined ? 21_000 : Number(env.LAB_PORT);
  if (!Number.isInteger(port) || port < 1024 || port > 50_000) {
    throw new SelectionError(`LAB_PORT: "${env.LAB_PORT}" is not a port between 1024 and 50000`);
  }
  return {
    systems: select("system", env.SYSTEM, systems),
    cases: select("case", env.CASE, cases),
    out: env.LAB_OUT || out,
    port,
  };
}

// How the suite went, for people: a line for each case as it ends, and a table at the end.

const MARKS = { passed: "ok", failed: "FAILED", skipped: "skipped" };
const seconds = (value) => `${value.toFixed(1)}s`;

export function line({ case: one, result, seconds: took, error, notes }) {
  const head = `${MARKS[result].padEnd(8)}${one.name} (${seconds(took)})`;
  return [head, ...notes.map((note) => `        ${note}`), ...(error ? [`        ${error.message}`] : [])].join("\n");
}

export function table(outcomes) {
  const width = Math.max(...outcomes.map(({ case: one }) => one.name.length));
  return outcomes
    .map(({ case: one, result, seconds: took }) =>
      `  ${one.name.padEnd(width)}  ${MARKS[result].padEnd(8)} ${seconds(took).padStart(7)}`)
    .join("\n");
}

/** The closing line that says how many there were. */
export function closing(outcomes) {
  const count = (result) => outcomes.filter((outcome) => outcome.result === result).length;
  const skipped = count("skipped");
  return `${count("passed")} passed, ${count("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

// Expectations held against measures. Pure.
//
// A run's verdict:  held     every expectation is met
//                   finding  a foreign system does not meet one: that is what the lab is for
//                   broken   one of ours does not: the command fails
//                   failed   the run itself did not come about · skipped  it can't, and says why

/** What the measures are called, and how a value of theirs is written. */
export const MEASURES = {
  missing: { label: "missing", unit: "" },
  historyMissing: { label: "missing in the history", unit: "" },
  duplicated: { label: "duplicated", unit: "" },
  outOfOrder: { label: "out of order", unit: "" },
  neverBack: { label: "clients that never came back", unit: "" },
  usersWrong: { label: "clients with a wrong number of users", unit: "" },
  largestShare: { label: "share of the fullest server", unit: "" },
  p99_ms: { label: "latency, 99th percentile", unit: "ms" },
  disturbed_ms: { label: "disturbed for", unit: "ms" },
  unconfirmed: { label: "unconfirmed", unit: "" },
};

/**
 * @param expects [{measure, atMost, because}]
 * @param measures what tally.mjs measured
 * @returns the expectations with what was found: [{measure, atMost, because, found, held}]
 */
export function judge(expects, measures) {
  return expects.map((expect) => {
    if (!(expect.measure in MEASURES)) throw new Error(`no measure is called ${expect.measure}`);
    const found = measures[expect.measure];
    return { ...expect, found, held: Number.isFinite(found) && found <= expect.atMost };
  });
}

/** @param system {ours} */
export function verdictOf(results, system) {
  if (results.every(({ held }) => held)) return "held";
  return system.ours ? "broken" : "finding";
}

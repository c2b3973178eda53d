// Expectations held against measures. Pure.
//
// A run's verdict:  held     every expectation is met
//                   finding  a foreign system does not meet one: that is what the lab is for
//                   broken   one of ours does not: the command fails
//                   waits    one of ours does not, and says for which part of it that is still to come
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

/**
 * @param system {ours, awaits?: {needs, measures}} `awaits`: measures that it need not meet yet, in cases
 * that ask for one of `needs`
 * @param needs what the case asks of a system beyond delivery, for example ["leaving"]
 */
export function verdictOf(results, system, needs = []) {
  const unmet = results.filter(({ held }) => !held);
  if (unmet.length === 0) return "held";
  if (!system.ours) return "finding";
  const { awaits } = system;
  const waits = needs.some((need) => awaits?.needs.includes(need));
  return waits && unmet.every(({ measure }) => awaits.measures.includes(measure)) ? "waits" : "broken";
}

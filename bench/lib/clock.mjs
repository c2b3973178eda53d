// Time for measurements, in microseconds.
//
// `process.hrtime` reads CLOCK_MONOTONIC, which all processes of one machine share: a timestamp taken
// in one process may be subtracted from one taken in another.

/** Whole microseconds since the machine started. */
export function nowUs() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.round(nanoseconds / 1e3);
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

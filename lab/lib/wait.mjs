import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
/** From which on something that was killed is taken to be down. */
const DOWN_MS = 300;

/** Waits, after something was killed, until `probe` returns something true; throws when it never does. */
export async function sleepUntilReady(probe, within_ms = 30_000) {
  const end = performance.now() + within_ms;
  await sleep(DOWN_MS);
  while (!(await probe())) {
    if (performance.now() > end) throw new Error(`it does not come back in ${within_ms / 1000} s`);
    await sleep(POLL_MS);
  }
}

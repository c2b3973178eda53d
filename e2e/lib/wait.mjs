// Waiting for the world to be as it should, with a reason when it does not get there.

const PAUSE_MS = 100;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a probe throws to say "not yet, because": any error does; this one only reads well. */
export class NotYet extends Error {}

/** What a probe throws when waiting on makes no sense. */
export class Hopeless extends Error {}

/** For probes: `want(pods.length === 3, () => `${pods.length} pods`)`. */
export function want(condition, because) {
  if (!condition) throw new NotYet(typeof because === "function" ? because() : because);
}

/**
 * Calls probe() until it neither throws nor has thrown its last within timeoutMs; returns what it
 * returned. The error names what was waited for, and the probe's last reason.
 */
export async function until(what, probe, { timeoutMs = 30_000, pauseMs = PAUSE_MS } = {}) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      if (Date.now() >= deadline) {
        throw new Error(`waited ${timeoutMs / 1000}s for ${what}: ${error.message}`, { cause: error });
      }
    }
    await sleep(pauseMs);
  }
}

/** Fails as soon as probe() throws, if that happens within forMs: something must stay as it is. */
export async function stays(what, probe, { forMs, pauseMs = PAUSE_MS }) {
  const end = Date.now() + forMs;
  while (Date.now() < end) {
    try {
      await probe();
    } catch (error) {
      throw new Error(`${what} did not last: ${error.message}`, { cause: error });
    }
    await sleep(pauseMs);
  }
}

// What the balancers have in common.

const RELOAD_MS = 500;

/** Whether the balancer answers for a server. */
export async function answers(stage) {
  const answer = await fetch(`${stage.url}/healthz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
  return answer?.ok ?? false;
}

/** Tells it by `signal` to read its configuration anew; connections stay. */
export async function reload(place, stage, signal) {
  place.kill(signal);
  await new Promise((resolve) => setTimeout(resolve, RELOAD_MS));
  await place.ready(() => answers(stage));
}

// Waiting for what the mesh brings about by itself. Polls; a state that does not come is an error by name.
export async function until(predicate, what, timeout = 30_000, interval = 5) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    if (Date.now() > end) throw new Error(`timed out waiting for ${typeof what === "function" ? what() : what}`);
    await new Promise((done) => setTimeout(done, interval));
  }
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

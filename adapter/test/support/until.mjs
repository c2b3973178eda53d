// Waiting, in tests of the adapter.
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** What `predicate` returns once that is true; an error by name after three seconds. */
export async function until(predicate, what) {
  const end = Date.now() + 3000;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await sleep(2);
  }
}

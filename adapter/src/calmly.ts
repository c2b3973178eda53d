// The application's callbacks run in the middle of ours. What they throw is thrown again in a turn of
// its own, where it is the uncaught exception that it would be anywhere else, and harms no state here.
export function rethrowLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

export function calmly(run: () => void): void {
  try {
    run();
  } catch (error) {
    rethrowLater(error);
  }
}

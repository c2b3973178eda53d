// The scenarios of the adapter suite. servers: receiving ones (with one publisher there is one more);
// holders: how many of them hold the room; publishers: 1, or all servers, each to a room that all others
// hold; bytes of payload; rate: emits a second in all, 0 = saturation.
//
// `main` is what `make bench` runs, and what the goals speak of. Saturation stands last: it grows
// heaps, which the paced runs should not inherit.
const kRates = [1_200, 12_000, 0];

/** Every combination, rates in this order: saturation last. */
function product({ servers, bytes, rates }) {
  const found = [];
  for (const rate of rates) {
    for (const size of bytes) {
      for (const holders of [servers, 1]) found.push({ servers, holders, bytes: size, rate });
    }
  }
  return found;
}

export const grids = {
  main: [
    { servers: 3, holders: 3, bytes: 128, rate: 12_000 },
    { servers: 3, holders: 1, bytes: 128, rate: 12_000 },
    { servers: 3, holders: 3, bytes: 128, rate: 0 },
  ],
  full: [
    ...product({ servers: 3, bytes: [128, 4096], rates: kRates }),
    // 12,000 of 64 KiB a second are 0.8 GB/s, thrice over: no system here gets there. The row of
    // saturation says how far each does.
    ...product({ servers: 3, bytes: [65_536], rates: [1_200, 0] }),
    ...product({ servers: 7, bytes: [128], rates: kRates }),
    ...product({ servers: 15, bytes: [128], rates: kRates }),
    ...kRates.map((rate) => ({ servers: 3, holders: 3, publishers: 4, bytes: 128, rate })),
  ],
  many: kRates.map((rate) => ({ servers: 3, holders: 3, publishers: 4, bytes: 128, rate })),
};

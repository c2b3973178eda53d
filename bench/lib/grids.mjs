// The scenarios of the adapter suite. servers: receiving ones; holders: how many of them hold the room;
// bytes of payload; rate: emits a second, 0 = saturation.
//
// `main` is what `make bench` runs, and what the goals speak of. Saturation stands last: it grows
// heaps, which the paced runs should not inherit.
export const grids = {
  main: [
    { servers: 3, holders: 3, bytes: 128, rate: 12_000 },
    { servers: 3, holders: 1, bytes: 128, rate: 12_000 },
    { servers: 3, holders: 3, bytes: 128, rate: 0 },
  ],
  wide: [
    { servers: 7, holders: 7, bytes: 128, rate: 1_200 },
    { servers: 7, holders: 7, bytes: 128, rate: 6_000 },
  ],
};

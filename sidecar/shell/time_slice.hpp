// How soon the sidecar runs once it is woken.
#pragma once

namespace socketmesh::shell {

// The sidecar's bursts are a tenth of a millisecond, and whoever waits for it is a person: it asks
// for the scheduler's shortest slice, which runs sooner and is interrupted sooner, and gets no more
// of the processor than before.
inline constexpr unsigned long long kTimeSliceNs = 100'000;

// For the calling thread and those that it starts from here on; priority and policy stay. Needs no
// right. Linux before 6.12 has no such slices, and a sandbox may forbid the call: false, and all
// works as ever.
bool ask_for_short_time_slices();

}  // namespace socketmesh::shell

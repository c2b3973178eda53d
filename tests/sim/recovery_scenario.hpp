// Recovery under seeded faults: clients that drop anywhere, come back to the same server or to
// another, join and leave rooms; servers that restart; links that are cut.
#pragma once

#include "tests/sim/scenario.hpp"

namespace socketmesh::sim {

Outcome run_recovery_seed(std::uint64_t seed, bool print_trace);
// The same, and sidecars leave as in rolling updates.
Outcome run_leaving_seed(std::uint64_t seed, bool print_trace);
// The same as the first, and sidecars are killed, with their apps or without them.
Outcome run_dying_seed(std::uint64_t seed, bool print_trace);

}  // namespace socketmesh::sim

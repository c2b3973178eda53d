// One seed from beginning to end: build the mesh, let it work under faults, let it rest, judge.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/stats.hpp"

namespace socketmesh::sim {

struct Outcome {
  bool passed = false;
  std::string violation;   // what did not hold
  std::string tail;        // the last lines of the trace, when it failed
  std::uint64_t hash = 0;  // of everything that happened
  Stats stats;
};

// The mesh under that seed's faults, then recovery under them (recovery_scenario.hpp).
Outcome run_seed(std::uint64_t seed, bool print_trace);
// The mesh of that seed, with sidecars that are stopped (SIGSTOP) and go on; without recovery.
Outcome run_stopping_seed(std::uint64_t seed, bool print_trace);

}  // namespace socketmesh::sim

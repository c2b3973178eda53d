// Runs many seeds in child processes, so that a seed that crashes is reported like one that fails.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/scenario.hpp"

namespace socketmesh::sim {

struct Failure {
  std::uint64_t seed = 0;
  std::string report;
};

struct Summary {
  std::uint64_t passed = 0;
  std::vector<Failure> failures;
  Stats stats;
};

struct RunnerOptions {
  std::vector<std::uint64_t> seeds;
  unsigned jobs = 1;
  Outcome (*run)(std::uint64_t seed, bool print_trace) = run_seed;
  bool stop_at_first = false;
};

// `report` is called for each failure as it happens. Throws std::system_error when processes can't
// be made.
Summary run_seeds(const RunnerOptions& options, const std::function<void(const Failure&)>& report);

// seeds.txt: one seed a line, `#` begins a comment. Throws std::runtime_error naming file and line.
std::vector<std::uint64_t> read_seeds(const std::string& path);

}  // namespace socketmesh::sim

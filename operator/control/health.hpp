// Whether the operator lives, and whether it serves, from facts. Pure functions: what is wrong, in
// words; empty when all is well.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/time.hpp"

namespace socketmesh::op::control {

// Longer than a reconcile may take, its last call included: a worker that is older hangs.
inline constexpr plan::MonoTime kWorkerHangs = std::chrono::seconds(120);
// The lease is tried every few seconds.
inline constexpr plan::MonoTime kLeaseHangs = std::chrono::seconds(60);

struct Vitals {
  plan::MonoTime longest_reconcile{};
  plan::MonoTime lease_idle{};       // 0 without election
  std::vector<std::string> hanging;  // watches
};
std::string what_hangs(const Vitals& vitals);

struct Readiness {
  bool stopping = false;
  bool meshes_listed = false;
  bool leads = false;
  bool all_listed = false;  // what the leader needs
  bool webhook = false;     // is wanted
  bool webhook_serves = false;
};
std::string what_is_missing(const Readiness& readiness);

}  // namespace socketmesh::op::control

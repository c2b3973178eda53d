#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <cstdio>

#include "tests/sim/faults.hpp"
#include "tests/sim/plan.hpp"
#include "tests/sim/recovery_scenario.hpp"
#include "tests/sim/traffic.hpp"
#include "tests/sim/world.hpp"

namespace socketmesh::sim {

namespace {

constexpr TimeUs kWatchEvery = 250 * kMillisecondUs;
constexpr TimeUs kPatience = 15 * kSecondUs;  // beyond the longest timeout
constexpr std::size_t kTailLines = 60;

WorldOptions world_options(const Plan& plan) {
  WorldOptions options;
  options.seed = plan.seed;
  options.limits = plan.limits;
  options.network = plan.network;
  return options;
}

class Run {
 public:
  explicit Run(const Plan& plan)
      : plan_(plan),
        world_(world_options(plan)),
        traffic_(world_, plan_, world_.rng().fork()),
        faults_(world_, plan_, traffic_, world_.rng().fork()) {
    world_.ledger().forbid_gaps(!plan_.gaps_allowed());
    // One end may give a stream up while the other keeps what was not taken, and sends it again.
    if (plan_.weather == Weather::kDrought) world_.ledger().allow_duplicates();
  }

  World& world() { return world_; }

  void go() {
    build();
    faults_.start();
    for (TimeUs left = plan_.duration; left > 0; left -= kWatchEvery) {
      world_.run_for(std::min(left, kWatchEvery));
      for (const auto* sidecar : world_.running()) world_.check_memory(*sidecar);
    }
    rest();
  }

  // Totals that are known only at the end, whether it was good or bad.
  void count() {
    Stats& stats = world_.stats();
    for (const auto& app : world_.apps()) {
      stats.add(Stat::kRequests, app->totals().requests);
      stats.add(Stat::kRequestsEnded, app->totals().requests_ended);
      stats.add(Stat::kRequestsTimedOut, app->totals().requests_timed_out);
      stats.add(Stat::kAwaitedJoins, app->totals().syncs);
      stats.add(Stat::kJoinsIncomplete, app->totals().syncs_incomplete);
    }
    stats.add(Stat::kVirtualMicroseconds, static_cast<std::uint64_t>(world_.now()));
    stats.add(Stat::kEvents, world_.clock().events());
  }

 private:
  void build() {
    for (std::size_t i = 0; i < plan_.sidecars; ++i) {
      SidecarHost& sidecar = world_.add_sidecar();
      const auto apps = world_.rng().range(1, static_cast<std::int64_t>(plan_.most_apps));
      for (std::int64_t n = 0; n < apps; ++n) traffic_.launch(sidecar);
      if (world_.rng().permille(300)) world_.run_for(world_.rng().range(1, 50) * kMillisecondUs);
    }
  }

  void rest() {
    traffic_.stop();
    faults_.end();
    // Whatever is still to come back (a sidecar, a reader, a list of addresses) comes back.
    world_.run_for(std::max(plan_.longest_absence + kSecondUs, plan_.longest_stall) + kSecondUs);
    world_.announce();
    world_.settle(plan_.limits.hold_time + plan_.limits.peer_timeout + kPatience);
    world_.ledger().judge();
    world_.check_idle();
    world_.settle(kSecondUs);  // a mesh at rest stays at rest, a ping under way aside
  }

  const Plan& plan_;
  World world_;
  Traffic traffic_;
  Faults faults_;
};

}  // namespace

namespace {

Outcome run_plan(const Plan& plan, bool print_trace) {
  if (print_trace) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(plan.seed),
                plan.describe().c_str());
  }
  Run run(plan);
  run.world().trace().print_all(print_trace);
  Outcome outcome;
  try {
    run.go();
    outcome.passed = true;
  } catch (const Violation& violation) {
    outcome.violation = std::string(violation.what()) + "\n  (" + plan.describe() + ")";
    outcome.tail = run.world().trace().tail(kTailLines);
  }
  run.count();
  outcome.hash = run.world().trace_hash();
  outcome.stats = run.world().stats();
  return outcome;
}

}  // namespace

Outcome run_seed(std::uint64_t seed, bool print_trace) {
  Outcome outcome = run_plan(Plan::of_seed(seed), print_trace);
  if (!outcome.passed) return outcome;
  Outcome recovery = run_recovery_seed(seed, print_trace);
  recovery.hash ^= outcome.hash;
  recovery.stats.merge(outcome.stats);
  return recovery;
}

Outcome run_stopping_seed(std::uint64_t seed, bool print_trace) {
  return run_plan(Plan::of_stopping_seed(seed), print_trace);
}

}  // namespace socketmesh::sim

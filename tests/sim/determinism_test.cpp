// A seed is a run: the same twice, another for another seed; and the networks' tricks are really
// played.
#include <gtest/gtest.h>

#include <set>

#include "tests/sim/plan.hpp"
#include "tests/sim/runner.hpp"
#include "tests/sim/scenario.hpp"

namespace socketmesh::sim {
namespace {

TEST(Determinism, TheSameSeedIsTheSameRun) {
  for (const std::uint64_t seed : {2U, 3U, 8U, 13U}) {
    const Outcome first = run_seed(seed, false);
    const Outcome again = run_seed(seed, false);
    EXPECT_EQ(first.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(first.stats.get(Stat::kEvents), again.stats.get(Stat::kEvents));
  }
}

TEST(Determinism, AnotherSeedIsAnotherRun) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) hashes.insert(run_seed(seed, false).hash);
  EXPECT_EQ(hashes.size(), 10U);
}

TEST(Plan, EveryWeatherAndSizeOccurs) {
  std::set<Weather> weathers;
  std::size_t largest = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Plan plan = Plan::of_seed(seed);
    weathers.insert(plan.weather);
    largest = std::max(largest, plan.sidecars);
    EXPECT_GE(plan.sidecars, 3U);
    EXPECT_LE(plan.sidecars, 50U);
  }
  EXPECT_EQ(weathers.size(), 4U);
  EXPECT_GT(largest, 30U);
}

TEST(Runner, EveryFaultIsInjectedAndNothingFails) {
  RunnerOptions options;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) options.seeds.push_back(seed);
  options.jobs = 2;
  std::string reports;
  const auto report = [&](const Failure& failure) { reports += failure.report; };
  Summary summary = run_seeds(options, report);
  EXPECT_EQ(summary.passed, 60U) << reports;
  options.run = run_stopping_seed;
  options.seeds.resize(10);
  const Summary stopping = run_seeds(options, report);
  EXPECT_EQ(stopping.passed, 10U) << reports;
  summary.stats.merge(stopping.stats);
  for (std::size_t i = kFirstFault; i < kStatCount; ++i) {
    EXPECT_GT(summary.stats.at(i), 0U) << kStatNames.at(i);
  }
  EXPECT_GT(summary.stats.get(Stat::kDue), summary.stats.get(Stat::kDelivered) / 3)
      << "the ledger judges too little";
}

}  // namespace
}  // namespace socketmesh::sim

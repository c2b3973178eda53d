#include "tests/sim/stats.hpp"

#include <gtest/gtest.h>

namespace socketmesh::sim {
namespace {

TEST(Stats, MostSessionsAreToBeRecovered) {
  Stats stats;
  stats.add(Stat::kSessionsRefused, kManySessions - 1);
  EXPECT_TRUE(most_recovered(stats)) << "too few to say";
  stats.add(Stat::kSessionsRecovered, 4 * (kManySessions - 1));
  EXPECT_TRUE(most_recovered(stats)) << "four of five";
  stats.add(Stat::kSessionsRefused);
  EXPECT_FALSE(most_recovered(stats));
}

}  // namespace
}  // namespace socketmesh::sim

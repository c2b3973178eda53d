#include "lib/kube/backoff.hpp"

#include <gtest/gtest.h>

#include <set>

namespace socketmesh::kube {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToTheMaximumWithHalfOfItByChance) {
  Backoff backoff(milliseconds(500), milliseconds(30'000), 3);
  EXPECT_TRUE(backoff.fresh());
  milliseconds whole{500};
  for (int i = 0; i < 100; ++i) {
    const milliseconds pause = backoff.next();
    EXPECT_GE(pause, whole / 2);
    EXPECT_LE(pause, whole);
    EXPECT_FALSE(backoff.fresh());
    whole = std::min(whole * 2, milliseconds(30'000));
  }
  backoff.reset();
  EXPECT_TRUE(backoff.fresh());
  EXPECT_LE(backoff.next(), milliseconds(500));
}

TEST(Backoff, TheSameSeedGivesTheSamePausesAndOthersGiveOthers) {
  const auto first = [](std::uint64_t seed) {
    return Backoff(milliseconds(10'000), milliseconds(10'000), seed).next();
  };
  EXPECT_EQ(first(1), first(1));
  std::set<milliseconds> pauses;
  for (std::uint64_t seed = 0; seed < 100; ++seed) pauses.insert(first(seed));
  EXPECT_GT(pauses.size(), 80U);
}

TEST(Backoff, ChanceReachesBothEnds) {
  Backoff backoff(milliseconds(1), milliseconds(1), 1);
  std::set<milliseconds> drawn;
  for (int i = 0; i < 200; ++i) drawn.insert(backoff.up_to(milliseconds(2)));
  EXPECT_EQ(drawn, (std::set{milliseconds(0), milliseconds(1), milliseconds(2)}));
}

}  // namespace
}  // namespace socketmesh::kube

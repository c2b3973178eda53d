#include "sidecar/core/recovery/seen.hpp"

#include <gtest/gtest.h>

namespace socketmesh::recovery {
namespace {

constexpr std::size_t kMost = 3;
constexpr TimeUs kKeep = 1000;

TEST(Seen, WhatComesAgainIsKnown) {
  Seen seen(kMost, kKeep);
  EXPECT_EQ(seen.note({7, 4}, 0), Seen::Is::kNew);
  EXPECT_EQ(seen.note({7, 4}, 0), Seen::Is::kKnown);
  EXPECT_EQ(seen.note({7, 3}, 0), Seen::Is::kKnown);
  EXPECT_EQ(seen.note({7, 5}, 0), Seen::Is::kNew);
  EXPECT_TRUE(seen.has({7, 5}));
  EXPECT_FALSE(seen.has({7, 6}));
  EXPECT_FALSE(seen.has({8, 1}));
}

TEST(Seen, AnOriginIsForgottenWhenNothingOfItCanComeAgain) {
  Seen seen(kMost, kKeep);
  seen.note({7, 1}, 0);
  seen.note({8, 1}, 0);
  seen.note({8, 2}, 1);
  seen.forget(kKeep - 1);
  EXPECT_EQ(seen.size(), 2U);
  seen.forget(kKeep);
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_FALSE(seen.has({7, 1}));
  EXPECT_TRUE(seen.has({8, 2}));
}

TEST(Seen, AnOriginOverTheLimitIsNeverTakenForNew) {
  Seen seen(kMost, kKeep);
  for (wire::MemberId origin = 1; origin <= kMost; ++origin)
    EXPECT_EQ(seen.note({origin, 1}, 0), Seen::Is::kNew);
  EXPECT_EQ(seen.note({kMost + 1, 1}, 10), Seen::Is::kUnknowable);
  EXPECT_EQ(seen.size(), kMost);
  EXPECT_EQ(seen.note({1, 2}, 10), Seen::Is::kNew);
  // There is room, but what was turned away may still come again.
  seen.forget(kKeep);
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.note({kMost + 1, 1}, kKeep), Seen::Is::kUnknowable);
  EXPECT_EQ(seen.note({kMost + 1, 2}, kKeep + 10), Seen::Is::kNew);
}

TEST(Seen, MarksOfAnotherAreItsOwn) {
  Seen seen(kMost, kKeep);
  seen.note({1, 5}, 0);
  seen.raise({{1, 3}, {2, 9}}, 0);
  EXPECT_EQ(seen.of(1), 5U);
  EXPECT_EQ(seen.of(2), 9U);
}

}  // namespace
}  // namespace socketmesh::recovery

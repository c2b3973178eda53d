#include "sidecar/core/routing/provisional.hpp"

#include <gtest/gtest.h>

#include <set>

namespace socketmesh::routing {
namespace {

std::set<EndpointId> owners(const Provisional& provisional, std::uint64_t hash) {
  std::set<EndpointId> found;
  provisional.each_owner(hash, [&](EndpointId owner) { found.insert(owner); });
  return found;
}

TEST(Provisional, HoldsUntilEveryTargetHasAnswered) {
  Provisional provisional(10);
  provisional.add(1, 5, {100, 200}, {{11, 1}, {12, 1}, {13, 2}});
  EXPECT_EQ(owners(provisional, 100), (std::set<EndpointId>{1, 2}));
  EXPECT_TRUE(provisional.release(1, 5, 11));
  EXPECT_EQ(owners(provisional, 200), (std::set<EndpointId>{1, 2}));
  EXPECT_TRUE(provisional.release(1, 5, 12));
  EXPECT_EQ(owners(provisional, 200), std::set<EndpointId>{2});
  EXPECT_TRUE(provisional.release(1, 5, 13));
  EXPECT_TRUE(provisional.empty());
}

TEST(Provisional, AnAnswerCountsOnceAndOnlyFromATarget) {
  Provisional provisional(10);
  provisional.add(1, 5, {100}, {{11, 1}});
  EXPECT_FALSE(provisional.release(1, 5, 99));
  EXPECT_FALSE(provisional.release(1, 6, 11));
  EXPECT_TRUE(provisional.release(1, 5, 11));
  EXPECT_FALSE(provisional.release(1, 5, 11));
}

TEST(Provisional, AMemberThatMovedIsStillWaitedFor) {
  Provisional provisional(10);
  provisional.add(1, 5, {100, 200}, {{11, 1}, {12, 1}});
  provisional.move_member(11, 3);
  EXPECT_EQ(owners(provisional, 100), (std::set<EndpointId>{1, 3}));
  provisional.move_member(12, 3);
  EXPECT_EQ(owners(provisional, 200), std::set<EndpointId>{3});
  EXPECT_TRUE(provisional.release(1, 5, 11));
  EXPECT_EQ(owners(provisional, 200), std::set<EndpointId>{3});
  EXPECT_TRUE(provisional.release(1, 5, 12));
  EXPECT_TRUE(owners(provisional, 200).empty());
}

TEST(Provisional, AGoneMemberHoldsNothing) {
  Provisional provisional(10);
  provisional.add(1, 5, {100}, {{11, 1}, {12, 2}});
  EXPECT_TRUE(provisional.drop_member(11));
  EXPECT_EQ(owners(provisional, 100), std::set<EndpointId>{2});
  EXPECT_TRUE(provisional.drop_member(1));
  EXPECT_TRUE(provisional.empty());
}

TEST(Provisional, OverTheLimitTheOldestEnds) {
  Provisional provisional(2);
  provisional.add(1, 1, {100}, {{11, 1}});
  provisional.add(1, 2, {200}, {{11, 1}});
  provisional.add(1, 3, {300}, {{11, 1}});
  EXPECT_EQ(provisional.size(), 2U);
  EXPECT_TRUE(owners(provisional, 100).empty());
  EXPECT_FALSE(owners(provisional, 300).empty());
}

}  // namespace
}  // namespace socketmesh::routing

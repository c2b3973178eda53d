#include "sidecar/core/routing/interest_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace socketmesh::routing {
namespace {

std::set<EndpointId> owners(const InterestIndex& index, std::uint64_t hash) {
  std::set<EndpointId> found;
  index.each_owner(hash, [&](EndpointId owner) { found.insert(owner); });
  return found;
}

TEST(InterestIndex, CountsSoThatACollisionNeverLoses) {
  InterestIndex index;
  const auto first = index.add(7, 1);
  EXPECT_TRUE(first.owner && first.hash);
  const auto collision = index.add(7, 1);
  EXPECT_FALSE(collision.owner || collision.hash);
  const auto left = index.remove(7, 1);
  EXPECT_FALSE(left.owner || left.hash);
  EXPECT_EQ(owners(index, 7), std::set<EndpointId>{1});
  const auto last = index.remove(7, 1);
  EXPECT_TRUE(last.owner && last.hash);
  EXPECT_TRUE(owners(index, 7).empty());
}

TEST(InterestIndex, KeepsSeveralOwnersOfOneHash) {
  InterestIndex index;
  index.add(7, 1);
  EXPECT_FALSE(index.add(7, 2).hash);
  index.add(7, 3);
  index.add(7, 3);
  EXPECT_EQ(owners(index, 7), (std::set<EndpointId>{1, 2, 3}));
  EXPECT_EQ(index.pairs(), 3U);
  EXPECT_EQ(index.hashes(), 1U);
  const auto second = index.remove(7, 2);
  EXPECT_TRUE(second.owner);
  EXPECT_FALSE(second.hash);
  EXPECT_TRUE(index.remove(7, 1).owner);
  EXPECT_FALSE(index.remove(7, 3).owner);
  EXPECT_TRUE(index.remove(7, 3).hash);
  EXPECT_EQ(index.pairs(), 0U);
}

TEST(InterestIndex, RemovingWhatIsNotThereChangesNothing) {
  InterestIndex index;
  EXPECT_FALSE(index.remove(7, 1).owner);
  index.add(7, 1);
  EXPECT_FALSE(index.remove(7, 2).owner);
  EXPECT_EQ(index.pairs(), 1U);
}

TEST(InterestIndex, RemoveOwnerNamesHashesThatHaveNobodyLeft) {
  InterestIndex index;
  index.add(1, 1);
  index.add(1, 1);
  index.add(2, 1);
  index.add(2, 2);
  std::set<std::uint64_t> ended;
  index.remove_owner(1, [&](std::uint64_t hash) { ended.insert(hash); });
  EXPECT_EQ(ended, std::set<std::uint64_t>{1});
  EXPECT_EQ(owners(index, 2), std::set<EndpointId>{2});
}

// Against a plain map, over growth, shrinking, holes and chosen hashes that share their home.
TEST(InterestIndex, AgreesWithAModel) {
  InterestIndex index;
  std::map<std::uint64_t, std::map<EndpointId, int>> model;
  std::uint64_t random = 42;
  const auto next = [&random] {
    return random = random * 6364136223846793005ULL + 1442695040888963407ULL;
  };
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t hash = (next() >> 33U) % 3000;
    const auto owner = static_cast<EndpointId>((next() >> 33U) % 5);
    const bool growing = (step / 20'000) % 2 == 0;
    const bool add = (next() >> 33U) % 10 < (growing ? 7U : 3U);
    auto& counts = model[hash];
    if (add) {
      const bool owner_new = counts[owner]++ == 0;
      EXPECT_EQ(index.add(hash, owner).owner, owner_new);
    } else {
      const bool owner_ends = counts.contains(owner) && counts[owner] == 1;
      if (counts.contains(owner) && --counts[owner] == 0) counts.erase(owner);
      EXPECT_EQ(index.remove(hash, owner).owner, owner_ends);
    }
    if (counts.empty()) model.erase(hash);
  }
  std::size_t pairs = 0;
  for (const auto& [hash, counts] : model) {
    std::set<EndpointId> expected;
    for (const auto& [owner, count] : counts) expected.insert(owner);
    pairs += expected.size();
    EXPECT_EQ(owners(index, hash), expected);
  }
  EXPECT_EQ(index.pairs(), pairs);
  EXPECT_EQ(index.hashes(), model.size());
}

TEST(InterestIndex, ThreeHundredThousandRoomsFitInFortyMegabytes) {
  InterestIndex index;
  for (std::uint64_t room = 0; room < 300'000; ++room) {
    index.add(room * 0x9e3779b97f4a7c15ULL, static_cast<EndpointId>(room % 10));
  }
  EXPECT_LE(index.memory_bytes(), 20U << 20U);
}

}  // namespace
}  // namespace socketmesh::routing

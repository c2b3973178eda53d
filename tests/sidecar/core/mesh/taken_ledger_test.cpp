#include "sidecar/core/mesh/taken_ledger.hpp"

#include <gtest/gtest.h>

namespace socketmesh::mesh {
namespace {

constexpr EndpointId kSource = 1;
constexpr EndpointId kOther = 2;
constexpr EndpointId kFirst = 10;
constexpr EndpointId kSecond = 11;

TEST(TakenLedger, WhatWentNowhereIsTakenAtOnce) {
  const TakenLedger ledger;
  EXPECT_EQ(ledger.taken(kSource, 9), 9U);
}

TEST(TakenLedger, TheSlowestDestinationDecides) {
  TakenLedger ledger;
  std::vector<EndpointId> moved;
  ledger.note(kFirst, 3, kSource, 1, 3);
  ledger.note(kSecond, 3, kSource, 1, 3);
  EXPECT_EQ(ledger.taken(kSource, 5), 0U);
  ledger.advance(kFirst, 3, moved);
  EXPECT_EQ(moved, std::vector<EndpointId>{kSource});
  EXPECT_EQ(ledger.taken(kSource, 5), 0U);
  ledger.advance(kSecond, 3, moved);
  EXPECT_EQ(ledger.taken(kSource, 5), 5U);
}

TEST(TakenLedger, SourcesInOneDestinationMoveApart) {
  TakenLedger ledger;
  std::vector<EndpointId> moved;
  ledger.note(kFirst, 1, kSource, 7, 7);
  ledger.note(kFirst, 2, kOther, 100, 100);
  ledger.advance(kFirst, 1, moved);
  EXPECT_EQ(moved, std::vector<EndpointId>{kSource});
  EXPECT_EQ(ledger.taken(kSource, 7), 7U);
  EXPECT_EQ(ledger.taken(kOther, 100), 99U);
}

TEST(TakenLedger, MarksAreCoarseButBounded) {
  TakenLedger ledger;
  std::vector<EndpointId> moved;
  for (std::uint64_t seq = 1; seq <= 1000; ++seq) ledger.note(kFirst, seq, kSource, seq, seq);
  ledger.advance(kFirst, 600, moved);
  const std::uint64_t taken = ledger.taken(kSource, 1000);
  EXPECT_LE(taken, 600U);
  EXPECT_GT(taken + TakenLedger::kMessagesPerMark, 600U);
  ledger.advance(kFirst, 1000, moved);
  EXPECT_EQ(ledger.taken(kSource, 1000), 1000U);
}

TEST(TakenLedger, AGoneDestinationOwesNothing) {
  TakenLedger ledger;
  std::vector<EndpointId> moved;
  ledger.note(kFirst, 1, kSource, 1, 1);
  ledger.advance(kFirst, UINT64_MAX, moved);
  EXPECT_EQ(moved, std::vector<EndpointId>{kSource});
  EXPECT_EQ(ledger.taken(kSource, 1), 1U);
}

TEST(TakenLedger, AGoneSourceLeavesNoTrace) {
  TakenLedger ledger;
  std::vector<EndpointId> moved;
  ledger.note(kFirst, 1, kSource, 1, 1);
  ledger.note(kFirst, 2, kOther, 5, 5);
  ledger.drop_source(kSource);
  ledger.advance(kFirst, 2, moved);
  EXPECT_EQ(moved, std::vector<EndpointId>{kOther});
}

}  // namespace
}  // namespace socketmesh::mesh

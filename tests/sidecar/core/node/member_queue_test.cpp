#include "sidecar/core/node/member_queue.hpp"

#include <gtest/gtest.h>

namespace socketmesh::node {
namespace {

constexpr std::size_t kChunk = 64;

wire::Buffer data(std::size_t bytes) {
  wire::Buffer out;
  wire::FrameWriter frame(out, wire::kDataType);
  for (std::size_t i = wire::kFrameHeadBytes; i < bytes; ++i) frame.u8(0);
  return out;
}

// Everything that is queued, written whole.
wire::Buffer drain(MemberQueue& queue) {
  wire::Buffer all;
  std::vector<wire::Bytes> shown(2);
  for (;;) {
    const std::size_t count = queue.gather(shown);
    if (count == 0) return all;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      all.insert(all.end(), shown[i].begin(), shown[i].end());
      bytes += shown[i].size();
    }
    queue.written(bytes);
  }
}

TEST(MemberQueue, KeepsControlAndDataInOrder) {
  MemberQueue queue(1000, kChunk);
  wire::app::write_taken(queue.control(), 1);
  queue.append_data(data(20), 1);
  wire::app::write_taken(queue.control(), 2);
  const wire::Buffer all = drain(queue);
  std::vector<int> types;
  for (wire::Bytes left = all; !left.empty();) {
    const wire::Bytes frame = *wire::first_frame(left);
    types.push_back(wire::frame_type(frame));
    left = left.subspan(frame.size());
  }
  EXPECT_EQ(types,
            (std::vector<int>{wire::app::kTakenBack, wire::kDataType, wire::app::kTakenBack}));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.queued(), 1U);
}

TEST(MemberQueue, TheLimitPassesAndOneMoreByteDropsTheOldest) {
  MemberQueue queue(120, kChunk);
  EXPECT_EQ(queue.append_data(data(60), 1), 0U);
  EXPECT_EQ(queue.append_data(data(60), 1), 0U);
  EXPECT_EQ(queue.append_data(data(10), 1), 1U);
  const wire::Buffer all = drain(queue);
  const auto first = wire::first_frame(all);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(wire::frame_type(*first), wire::app::kGap);
  wire::Reader gap(wire::frame_payload(*first));
  EXPECT_EQ(gap.u64(), 1U);
  EXPECT_EQ(gap.u64(), 1U);
  EXPECT_EQ(queue.queued(), 3U);
}

TEST(MemberQueue, GapsThatTouchBecomeOne) {
  MemberQueue queue(100, kChunk);
  std::uint64_t lost = 0;
  for (int i = 0; i < 50; ++i) lost += queue.append_data(data(60), 1);
  EXPECT_EQ(lost, 49U);
  EXPECT_LT(queue.bytes(), 200U);
  const wire::Buffer all = drain(queue);
  wire::Reader gap(wire::frame_payload(*wire::first_frame(all)));
  EXPECT_EQ(gap.u64(), 49U);
}

// A publisher's own GAP, of `messages` messages.
wire::Buffer gap_data(std::uint32_t messages) {
  wire::Buffer out;
  wire::FrameWriter frame(out, wire::kDataType);
  frame.u8(0);
  frame.u8(static_cast<std::uint8_t>(wire::RouteKind::kMesh));
  frame.u8(wire::kGapKind);
  frame.u32(0);
  frame.u64(1);
  frame.u64(1);
  frame.varint(messages);
  return out;
}

TEST(MemberQueue, AGapThatIsDroppedCountsForWhatItStandsFor) {
  MemberQueue queue(100, kChunk);
  EXPECT_EQ(queue.append_data(gap_data(300), 1), 0U);
  EXPECT_EQ(queue.append_data(data(90), 1), 300U);
  const wire::Buffer all = drain(queue);
  wire::Reader gap(wire::frame_payload(*wire::first_frame(all)));
  EXPECT_EQ(gap.u64(), 1U) << "one delivery";
  EXPECT_EQ(gap.u64(), 300U) << "of so many messages";
}

TEST(MemberQueue, AnAppendedGapIsADelivery) {
  MemberQueue queue(100, kChunk);
  queue.append_data(data(20), 1);
  queue.append_gap(12, wire::app::GapReason::kHoldEnded, "peer");
  EXPECT_EQ(queue.queued(), 2U);
  for (int i = 0; i < 9; ++i) queue.append_data(data(60), 1);
  bool found = false;
  const wire::Buffer all = drain(queue);
  for (wire::Bytes left = all; !left.empty();) {
    const wire::Bytes frame = *wire::first_frame(left);
    left = left.subspan(frame.size());
    wire::Reader gap(wire::frame_payload(frame));
    if (wire::frame_type(frame) == wire::app::kGap && gap.u64() == 1 && gap.u64() == 12)
      found = true;
  }
  EXPECT_TRUE(found) << "and never dropped";
}

TEST(MemberQueue, WhatIsBeingWrittenStays) {
  MemberQueue queue(100, kChunk);
  queue.append_data(data(60), 1);
  std::vector<wire::Bytes> shown(1);
  ASSERT_EQ(queue.gather(shown), 1U);
  queue.written(10);
  EXPECT_EQ(queue.append_data(data(60), 1), 1U);
  ASSERT_EQ(queue.gather(shown), 1U);
  EXPECT_EQ(shown[0].size(), 50U);
}

}  // namespace
}  // namespace socketmesh::node

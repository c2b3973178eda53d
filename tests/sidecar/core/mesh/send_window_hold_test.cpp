// Positions of data that is held: what settles them, and what must not.
#include <gtest/gtest.h>

#include <vector>

#include "sidecar/core/mesh/send_window.hpp"

namespace socketmesh::mesh {
namespace {

constexpr std::size_t kWindow = 1000;
constexpr std::size_t kChunk = 256;

wire::Buffer frame_of(std::uint8_t type, std::size_t bytes) {
  wire::Buffer out;
  wire::FrameWriter frame(out, type);
  for (std::size_t i = 0; i < bytes; ++i) frame.u8(0);
  return out;
}
const wire::Buffer kData = frame_of(wire::kDataType, 200);
const wire::Buffer kControl = frame_of(wire::link::kSnapshotEnd, 0);

// Writes all that there is, and has it received and taken. Returns the position that this settled.
std::uint64_t send_and_take(SendWindow& window) {
  std::vector<wire::Bytes> shown(64);
  const std::size_t count = window.gather(shown, {});
  for (std::size_t i = 0; i < count; ++i) window.written(shown[i].size());
  EXPECT_TRUE(window.on_received(window.last_seq()));
  return window.on_taken(window.last_seq());
}

TEST(SendWindowHold, ControlFramesThatPassSettleNothingThatIsHeld) {
  SendWindow window(kWindow, kChunk);
  window.restart(1);
  window.append_data(kData, 1);
  window.append_control(kControl, 1);
  EXPECT_EQ(send_and_take(window), 0U);
  window.release();
  EXPECT_EQ(send_and_take(window), 1U);
}

TEST(SendWindowHold, WhatWasDroppedIsSettledByItsDeclaration) {
  SendWindow window(kWindow, kChunk);
  window.restart(1);
  window.append_control(kControl, 1);
  for (int i = 0; i < 10; ++i) window.append_data(kData, 1);
  EXPECT_GT(window.enforce().dropped, 0U);
  EXPECT_EQ(send_and_take(window), 0U);
  window.release();
  EXPECT_EQ(send_and_take(window), 10U);
  EXPECT_EQ(window.bytes(), 0U);
}

TEST(SendWindowHold, ADeclarationDoesNotSettleOlderDataBehindIt) {
  SendWindow window(kWindow, kChunk);
  window.restart(1);
  window.release();
  window.append_data(kData, 1);
  std::vector<wire::Bytes> shown(64);
  ASSERT_EQ(window.gather(shown, {}), 1U);  // the first record is being written, and stays
  window.written(shown[0].size() - 1);
  for (int i = 0; i < 10; ++i) window.append_data(kData, 1);
  EXPECT_GT(window.enforce().dropped, 0U);
  window.restart(2);
  window.release();
  // The declaration alone.
  ASSERT_GT(window.gather(shown, {}), 1U);
  window.written(shown[0].size());
  EXPECT_TRUE(window.on_received(1));
  EXPECT_EQ(window.on_taken(1), 0U) << "the first message follows it and is not taken";
  EXPECT_EQ(send_and_take(window), 11U);
}

// Two connections that are made at once begin a stream each: what the peer's last life had read is
// a matter of the stream before both.
TEST(SendWindowHold, WhatIsBehindAStreamIsKnownOverSeveralRestarts) {
  wire::Buffer logged = kData;
  logged[wire::kLengthBytes + 1] = wire::kLogged;
  SendWindow window(kWindow, kChunk);
  window.restart(1);
  window.release();
  window.append_data(logged, 1);
  (void)send_and_take(window);
  window.append_data(logged, 1);
  std::size_t frames = 0;
  const auto count = [&frames](wire::Bytes, std::uint32_t n, bool) { frames += n; };
  for (const std::uint32_t stream : {2U, 3U, 4U}) {
    window.restart(stream);
    frames = 0;
    EXPECT_TRUE(window.each_behind(1, 1, count)) << stream;
    EXPECT_EQ(frames, 1U) << stream;
    EXPECT_FALSE(window.each_behind(1, 0, count)) << "the first is not kept";
    EXPECT_FALSE(window.each_behind(0, 0, count)) << "nor for one that had read nothing";
  }
  window.release();
  (void)send_and_take(window);
  EXPECT_FALSE(window.each_behind(1, 1, count)) << "the second was taken, by the next life";
}

}  // namespace
}  // namespace socketmesh::mesh

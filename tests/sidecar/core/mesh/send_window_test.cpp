#include "sidecar/core/mesh/send_window.hpp"

#include <gtest/gtest.h>

#include <string>

namespace socketmesh::mesh {
namespace {

constexpr std::size_t kChunk = 256;
constexpr wire::link::Watermarks kMarks{};

wire::Buffer frame_of(char content, std::size_t bytes = 20) {
  wire::Buffer out;
  wire::FrameWriter frame(out, wire::kDataType);
  for (std::size_t i = 0; i < bytes; ++i) frame.u8(static_cast<std::uint8_t>(content));
  return out;
}

struct Sent {
  std::uint32_t stream;
  std::uint64_t first_seq;
  std::uint32_t count;
  bool skipped;
  std::string content;  // the first payload byte of each frame
};

// Writes what the window shows, whole, and tells what it was.
std::vector<Sent> write_all(SendWindow& window, std::size_t most = 64) {
  std::vector<wire::Bytes> shown(most);
  std::vector<Sent> sent;
  const std::size_t count = window.gather(shown, kMarks);
  for (std::size_t i = 0; i < count; ++i) {
    const auto record = wire::link::decode_record(shown[i]);
    EXPECT_TRUE(record.has_value());
    Sent one{record->stream,
             record->first_seq,
             record->count,
             (record->flags & wire::link::kSkipped) != 0,
             {}};
    wire::Bytes frames = record->frames;
    while (!one.skipped && !frames.empty()) {
      const auto frame = wire::first_frame(frames);
      one.content += static_cast<char>(wire::frame_payload(*frame).front());
      frames = frames.subspan(frame->size());
    }
    sent.push_back(one);
    EXPECT_EQ(window.written(shown[i].size()), record->count);
  }
  return sent;
}

std::string contents(const std::vector<Sent>& sent) {
  std::string all;
  for (const Sent& one : sent) all += one.skipped ? "!" : one.content;
  return all;
}

SendWindow open_window(std::size_t bytes = 1U << 20U) {
  SendWindow window(bytes, kChunk);
  window.restart(1);
  window.release();
  return window;
}

TEST(SendWindow, GathersIntoOneRecordUntilItIsShown) {
  SendWindow window = open_window();
  window.append_data(frame_of('a'), 1);
  window.append_data(frame_of('b'), 1);
  std::vector<wire::Bytes> shown(4);
  EXPECT_EQ(window.gather(shown, kMarks), 1U);
  window.append_data(frame_of('c'), 1);
  const auto sent = write_all(window);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].content, "ab");
  EXPECT_EQ(sent[1].content, "c");
  EXPECT_EQ(sent[1].first_seq, 3U);
  EXPECT_FALSE(window.has_unwritten());
  EXPECT_EQ(window.backlog_bytes(), 0U);
}

TEST(SendWindow, KeepsUntilTakenNotUntilReceived) {
  SendWindow window = open_window();
  const std::uint64_t position = window.append_data(frame_of('a'), 1);
  write_all(window);
  EXPECT_TRUE(window.on_received(1));
  EXPECT_EQ(window.on_taken(0), 0U);
  EXPECT_GT(window.bytes(), 0U);
  EXPECT_EQ(window.on_taken(1), position);
  EXPECT_EQ(window.bytes(), 0U);
}

TEST(SendWindow, ControlFramesGoWhenTheyAreReceivedHoweverLongDataBeforeThemWaits) {
  SendWindow window = open_window();
  window.append_data(frame_of('a'), 1);
  write_all(window);
  const std::size_t waiting = window.bytes();
  for (int i = 0; i < 1000; ++i) {
    window.append_control(frame_of('c', 100), 1);
    write_all(window);
    EXPECT_TRUE(window.on_received(window.last_seq()));
  }
  EXPECT_EQ(window.bytes(), waiting);
  EXPECT_EQ(window.control_bytes(), 0U);
  EXPECT_LE(window.records(), 2U) << "what is left of them is one record";
  const std::uint64_t position = window.append_data(frame_of('b'), 1);
  write_all(window);
  window.disconnect();
  EXPECT_TRUE(window.resume(window.last_seq() - 1));
  EXPECT_EQ(contents(write_all(window)), "b");
  EXPECT_TRUE(window.on_received(window.last_seq()));
  EXPECT_EQ(window.on_taken(window.last_seq()), position);
  EXPECT_EQ(window.bytes(), 0U);
  EXPECT_EQ(window.records(), 0U);
}

TEST(SendWindow, ControlFramesStayUntilTheyAreReceived) {
  SendWindow window = open_window();
  window.append_control(frame_of('a'), 1);
  write_all(window);
  window.append_control(frame_of('b'), 1);
  write_all(window);
  EXPECT_TRUE(window.on_received(1));
  window.disconnect();
  EXPECT_TRUE(window.resume(1));
  EXPECT_EQ(contents(write_all(window)), "b");
}

TEST(SendWindow, ResumesBehindWhatThePeerReceived) {
  SendWindow window = open_window();
  for (const char c : {'a', 'b', 'c'}) {
    window.append_data(frame_of(c), 1);
    write_all(window);
  }
  window.disconnect();
  EXPECT_FALSE(window.has_unwritten());
  window.append_data(frame_of('d'), 1);
  EXPECT_TRUE(window.resume(1));
  EXPECT_EQ(contents(write_all(window)), "bcd");
  EXPECT_EQ(window.retransmitted(), 2U);
}

TEST(SendWindow, AWriteCutInTheMiddleIsWrittenAgainWhole) {
  SendWindow window = open_window();
  window.append_data(frame_of('a'), 1);
  std::vector<wire::Bytes> shown(1);
  window.gather(shown, kMarks);
  EXPECT_EQ(window.written(10), 0U);
  EXPECT_TRUE(window.mid_record());
  window.disconnect();
  EXPECT_TRUE(window.resume(0));
  EXPECT_EQ(contents(write_all(window)), "a");
}

TEST(SendWindow, RefusesAPeerThatHasWhatWasNeverSent) {
  SendWindow window = open_window();
  window.append_data(frame_of('a'), 1);
  EXPECT_FALSE(window.on_received(1));
  write_all(window);
  EXPECT_FALSE(window.on_received(2));
  EXPECT_TRUE(window.on_received(1));
  window.disconnect();
  EXPECT_FALSE(window.resume(2));
  EXPECT_FALSE(window.resume(0));
  EXPECT_TRUE(window.resume(1));
}

TEST(SendWindow, ANewStreamCarriesUntakenDataBehindItsSnapshot) {
  SendWindow window = open_window();
  window.append_data(frame_of('a'), 1);
  window.append_control(frame_of('x'), 1);
  write_all(window);
  window.append_data(frame_of('b'), 1);
  window.on_received(1);
  window.on_taken(1);
  window.disconnect();
  window.append_data(frame_of('c'), 1);
  window.restart(2);
  window.append_control(frame_of('S'), 1);
  EXPECT_EQ(contents(write_all(window)), "S");
  window.append_data(frame_of('d'), 1);
  window.append_control(frame_of('I'), 1);
  window.release();
  const auto sent = write_all(window);
  EXPECT_EQ(contents(sent), "Ibcd");
  EXPECT_EQ(sent.front().stream, 2U);
  EXPECT_EQ(sent.front().first_seq, 2U);
}

TEST(SendWindow, OverTheLimitForgetsWhatThePeersSidecarHas) {
  SendWindow window = open_window(200);
  const std::uint64_t first = window.append_data(frame_of('a', 100), 1);
  write_all(window);
  window.on_received(1);
  window.append_data(frame_of('b', 100), 1);
  const auto loss = window.enforce();
  EXPECT_EQ(loss.dropped, 0U);
  EXPECT_EQ(loss.forgotten, 1U);
  EXPECT_EQ(loss.settled, first);
  EXPECT_EQ(contents(write_all(window)), "b");
}

TEST(SendWindow, OverTheLimitDeclaresWhatNobodyHas) {
  SendWindow window = open_window(350);
  for (const char c : {'a', 'b', 'c', 'd'}) window.append_data(frame_of(c, 150), 1);
  const auto loss = window.enforce();
  EXPECT_EQ(loss.dropped, 3U);
  EXPECT_LE(window.bytes(), 350U);
  const auto sent = write_all(window);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_TRUE(sent[0].skipped);
  EXPECT_EQ(sent[0].count, 3U);
  EXPECT_EQ(sent[1].content, "d");
  EXPECT_EQ(sent[1].first_seq, 4U);
}

TEST(SendWindow, TheLimitItselfLosesNothing) {
  wire::Buffer frame = frame_of('a', 100);
  SendWindow window = open_window(2 * (frame.size() + wire::link::kRecordHeadBytes));
  window.append_data(frame, 1);
  std::vector<wire::Bytes> shown(4);
  window.gather(shown, kMarks);
  window.append_data(frame, 1);
  EXPECT_EQ(window.enforce().dropped, 0U);
  window.append_data(frame_of('b', 1), 1);
  EXPECT_GT(window.enforce().dropped, 0U);
}

TEST(SendWindow, ControlIsNeverDropped) {
  SendWindow window = open_window(100);
  for (int i = 0; i < 10; ++i) window.append_control(frame_of('i', 100), 1);
  EXPECT_EQ(window.enforce().dropped, 0U);
  std::string written;
  for (int i = 0; i < 10; ++i) written += contents(write_all(window));
  EXPECT_EQ(written, "iiiiiiiiii");
}

TEST(SendWindow, HeldDataOverTheLimitIsDeclaredAtRelease) {
  SendWindow window(300, kChunk);
  for (const char c : {'a', 'b', 'c'}) {
    window.append_data(frame_of(c, 200), 1);
    window.enforce();
  }
  window.restart(1);
  window.release();
  const auto sent = write_all(window);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_TRUE(sent[0].skipped);
  EXPECT_EQ(sent[1].content, "c");
}

TEST(SendWindow, WhatWasForgottenIsDeclaredToANewLife) {
  SendWindow window = open_window(200);
  window.append_data(frame_of('a', 100), 1);
  write_all(window);
  window.on_received(1);
  window.append_data(frame_of('b', 100), 1);
  window.enforce();
  window.disconnect();
  window.restart(2);
  window.release();
  EXPECT_EQ(contents(write_all(window)), "!b");
}

TEST(SendWindow, DropAllLeavesTheDeclarationToTheCaller) {
  SendWindow window = open_window();
  window.append_data(frame_of('a'), 1);
  const std::uint64_t last = window.append_data(frame_of('b'), 1);
  EXPECT_EQ(window.at_risk().unsent, 2U);
  EXPECT_EQ(window.at_risk().received, 0U);
  const auto loss = window.drop_all();
  EXPECT_EQ(loss.dropped, 2U);
  EXPECT_EQ(loss.settled, last);
  EXPECT_EQ(window.bytes(), 0U);
  window.restart(2);
  window.release();
  EXPECT_EQ(contents(write_all(window)), "");
}

}  // namespace
}  // namespace socketmesh::mesh

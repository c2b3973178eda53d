#include "sidecar/core/wire/input_buffer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace socketmesh::wire {
namespace {

Buffer frame_of(std::size_t payload, char content = 'x') {
  Buffer out;
  FrameWriter frame(out, 1);
  for (std::size_t i = 0; i < payload; ++i) frame.u8(static_cast<std::uint8_t>(content));
  return out;
}

// Every way to cut three frames in three pieces gives the same frames.
TEST(InputBuffer, ReassemblesAnyCut) {
  Buffer all;
  for (const std::size_t payload : {std::size_t{3}, std::size_t{0}, std::size_t{40}}) {
    const Buffer frame = frame_of(payload);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  for (std::size_t first = 0; first <= all.size(); ++first) {
    for (std::size_t second = first; second <= all.size(); ++second) {
      InputBuffer input(1000);
      Buffer seen;
      const auto feed = [&](std::size_t from, std::size_t to) {
        EXPECT_EQ(input.feed(Bytes(all).subspan(from, to - from),
                             [&](Bytes frames) {
                               seen.insert(seen.end(), frames.begin(), frames.end());
                               return true;
                             }),
                  InputError::kNone);
      };
      feed(0, first);
      feed(first, second);
      feed(second, all.size());
      ASSERT_EQ(seen, all);
      ASSERT_EQ(input.carried_bytes(), 0U);
    }
  }
}

TEST(InputBuffer, TheLimitPassesAndOneMoreByteDoesNot) {
  const auto ignore = [](Bytes) { return true; };
  InputBuffer fits(11);
  EXPECT_EQ(fits.feed(frame_of(10), ignore), InputError::kNone);
  InputBuffer over(11);
  EXPECT_EQ(over.feed(frame_of(11), ignore), InputError::kOversized);
}

TEST(InputBuffer, AHostileLengthIsRefusedBeforeItsBytesCome) {
  const Buffer head{0xff, 0xff, 0xff, 0x7f};
  InputBuffer input(1000);
  EXPECT_EQ(input.feed(head, [](Bytes) { return true; }), InputError::kOversized);
  InputBuffer split(1000);
  EXPECT_EQ(split.feed(Bytes(head).first(2), [](Bytes) { return true; }), InputError::kNone);
  EXPECT_EQ(split.feed(Bytes(head).subspan(2), [](Bytes) { return true; }), InputError::kOversized);
  EXPECT_LE(split.carried_bytes(), 4U);
}

TEST(InputBuffer, AFrameWithoutATypeIsAnError) {
  InputBuffer input(1000);
  EXPECT_EQ(input.feed(Buffer{0, 0, 0, 0}, [](Bytes) { return true; }), InputError::kEmpty);
}

TEST(InputBuffer, FramesBeforeABadOneAreSeen) {
  Buffer bytes = frame_of(2);
  bytes.insert(bytes.end(), {0, 0, 0, 0});
  InputBuffer input(1000);
  std::size_t seen = 0;
  EXPECT_EQ(input.feed(bytes,
                       [&](Bytes frames) {
                         seen += frames.size();
                         return true;
                       }),
            InputError::kEmpty);
  EXPECT_EQ(seen, frame_of(2).size());
}

}  // namespace
}  // namespace socketmesh::wire

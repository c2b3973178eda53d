#include "sidecar/core/wire/channel_frames.hpp"

#include <gtest/gtest.h>

namespace socketmesh::wire::link {
namespace {

TEST(ChannelFrames, HeadAndBodyFollowOneAnother) {
  Buffer out;
  const Buffer head = {1, 2};
  const Buffer body = {3, 4, 5};
  write_channel(out, 7, head, body);
  ASSERT_EQ(frame_type(out), kChannelType);
  const auto frame = decode_channel(frame_payload(out));
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->channel, 7);
  EXPECT_EQ(Buffer(frame->payload.begin(), frame->payload.end()), (Buffer{1, 2, 3, 4, 5}));
}

TEST(ChannelFrames, AnEmptyOrOverlongPayloadIsNone) {
  EXPECT_FALSE(decode_channel({}).has_value());
  const Buffer longest(1 + kChannelPayloadBytesMax);
  EXPECT_TRUE(decode_channel(longest).has_value());
  const Buffer longer(longest.size() + 1);
  EXPECT_FALSE(decode_channel(longer).has_value());
}

}  // namespace
}  // namespace socketmesh::wire::link

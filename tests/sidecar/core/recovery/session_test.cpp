#include "sidecar/core/recovery/session.hpp"

#include <gtest/gtest.h>

namespace socketmesh::recovery {
namespace {

// A session whose frame has so many bytes beside its data.
std::size_t bytes_beside_data(const Session& session) {
  Session bare = session;
  bare.data.assign(1U << 21U, 0);  // a length of as many bytes as that of what it will be
  wire::Buffer out;
  EXPECT_TRUE(bare.write_frame(out, 1, 0));
  return out.size() - bare.data.size();
}

Session session_of(std::size_t frame_bytes) {
  Session session;
  session.nsp = "/";
  session.sid = "s";
  session.pid = "p";
  session.data.assign(frame_bytes - bytes_beside_data(session), 'x');
  return session;
}

TEST(Session, TheLongestFrameIsWritten) {
  const Session session = session_of(kSessionFrameBytesMax);
  wire::Buffer out = {7};
  ASSERT_TRUE(session.write_frame(out, 5, 0));
  EXPECT_EQ(out.size(), 1 + kSessionFrameBytesMax);
  const auto said =
      wire::recovery::decode_adopt_session(wire::frame_payload(wire::Bytes(out).subspan(1)));
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->token, 5U);
  EXPECT_EQ(said->data.size(), session.data.size());
}

TEST(Session, ALongerOneIsNot) {
  const Session session = session_of(kSessionFrameBytesMax + 1);
  wire::Buffer out = {7};
  EXPECT_FALSE(session.write_frame(out, 5, 0));
  EXPECT_EQ(out, wire::Buffer{7});
}

// What was replayed to it is left behind when it does not fit: who did not get all of it begins
// anew, and nobody is given a part.
TEST(Session, OneThatIsTooLongWithItsReplayGoesWithoutIt) {
  Session session = session_of(kSessionFrameBytesMax - kNoOffset.size());
  const wire::Buffer data = session.data;
  wire::Buffer frame(wire::kDataHeadBytes, 0);
  wire::store(frame.data(), static_cast<std::uint32_t>(frame.size() - wire::kLengthBytes));
  session.carried.push_back(frame);
  wire::Buffer out;
  ASSERT_TRUE(session.write_frame(out, 5, 0));
  auto said = wire::recovery::decode_adopt_session(wire::frame_payload(out));
  ASSERT_TRUE(said.has_value());
  EXPECT_TRUE(said->carried.empty());
  EXPECT_EQ(said->base, kNoOffset);

  session.data.resize(data.size() - frame.size());
  out.clear();
  ASSERT_TRUE(session.write_frame(out, 5, 0));
  said = wire::recovery::decode_adopt_session(wire::frame_payload(out));
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->carried.size(), frame.size());
  EXPECT_EQ(said->base, "");
}

}  // namespace
}  // namespace socketmesh::recovery

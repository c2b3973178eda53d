// A session that moves between two homes of one sidecar, when the peers have said that none of them
// has it.
#include <algorithm>

#include "tests/sidecar/core/node/peer_fixture.hpp"

namespace socketmesh::node {
namespace {

constexpr ConnId kOld = 1;
constexpr ConnId kNew = 2;
constexpr ConnId kOther = 3;
constexpr wire::MemberId kRemote = 99;
constexpr std::uint8_t kLoggedFlag = 0x40;
constexpr std::uint8_t kRestoredType = 0x30;
constexpr std::uint8_t kJoinOp = 2;
constexpr std::uint8_t kRestoreOp = 8;
// So that a copy may have become a home elsewhere, and peers are asked.
constexpr std::uint16_t kSecondAttachment = 2;

class RestoresTest : public PeerTest {
 protected:
  RestoresTest() : PeerTest(1) {
    link(peer_, 101, "a", "machine 2");
    attach(kOld, kSecondAttachment);
    open_session(kOld, "s");
    session(kOld, sim::Writer().u8(kJoinOp).string("/").string("s").varint(1).string("r").take());
    node_.closed(kOld, now_);
    attach(kNew);
    attach(kOther);
    // Until then others may have it that are not linked yet.
    stay(2 * Limits{}.peer_timeout);
    session(kNew, sim::Writer().u8(kRestoreOp).u32(1).string("/").string("s").string("").take());
    (void)read_app(kNew);
    (void)read_app(kOther);
  }

  // Peer and apps live.
  void stay(TimeUs time) {
    for (const TimeUs end = now_ + time; now_ < end;) {
      pass(100 * kMillisecondUs);
      read_and_ack(peer_);
      wire::Buffer ping;
      wire::link::write_ping(ping, 1);
      node_.received(peer_.conn, ping, now_);
      for (const ConnId app : {kNew, kOther}) say(app, sim::encode_u64(sim::AppType::kTaken, 0));
    }
  }

  // The answer to the newest FIND, and a message to the session's room, in one record.
  void say_none_and_publish() {
    read(peer_);
    const auto find = std::ranges::find(peer_.frames.rbegin(), peer_.frames.rend(), rw::kFind,
                                        &TestPeer::Frame::type);
    ASSERT_NE(find, peer_.frames.rend());
    rw::Found none;
    none.token = rw::decode_find(find->payload)->token;
    control(
        peer_,
        [&](wire::Buffer& out) {
          rw::write_found(out, none);
          const std::string message = message_to_room();
          out.insert(out.end(), message.begin(), message.end());
        },
        2);
  }
  static std::string message_to_room() {
    sim::Data data;
    data.flags = kLoggedFlag;
    data.route = sim::Route::kRooms;
    data.origin = kRemote;
    data.seq = 1;
    data.nsp = "/";
    data.rooms = {"r"};
    data.body = sim::Writer().u16(1).u32(0).u16(0).take();
    return sim::encode_data(data);
  }

  TestPeer peer_;
};

// It is not in the replay, which was made just before it.
TEST_F(RestoresTest, WhatFollowsTheLastAnswerInTheSameInputGoesToTheNewHome) {
  say_none_and_publish();
  const std::vector<std::uint8_t> types = read_app(kNew);
  EXPECT_EQ(std::ranges::count(types, kRestoredType), 1);
  EXPECT_EQ(std::ranges::count(types, wire::kDataType), 1);
  EXPECT_EQ(std::ranges::count(read_app(kOther), wire::kDataType), 0);
}

}  // namespace
}  // namespace socketmesh::node

// Copies of the homes here: at which peers they are, when they are given up, and what is known of
// their lag.
#include "tests/sidecar/core/node/peer_fixture.hpp"

namespace socketmesh::node {
namespace {

constexpr ConnId kApp = 1;

class CopiesTest : public PeerTest {
 protected:
  CopiesTest() : PeerTest(1) {}

  // Peers read and acknowledge all the time.
  void live(const std::vector<TestPeer*>& peers, TimeUs time) {
    for (TimeUs left = time; left > 0; left -= 100 * kMillisecondUs) {
      pass(100 * kMillisecondUs);
      for (TestPeer* peer : peers) {
        read_and_ack(*peer);
        wire::Buffer ping;
        wire::link::write_ping(ping, 1);
        node_.received(peer->conn, ping, now_);
      }
    }
  }
  static recovery::CopyKind first_kind(const TestPeer::Frame& copy) {
    return static_cast<recovery::CopyKind>(copy.payload.at(8));
  }
  static bool asks(const TestPeer::Frame& copy) {
    return copy.payload.back() == static_cast<std::uint8_t>(recovery::CopyKind::kAsk);
  }
  std::size_t snapshots(const TestPeer& peer) const {
    return static_cast<std::size_t>(std::ranges::count_if(peer.frames, [](const auto& frame) {
      return frame.type == rw::kCopy && first_kind(frame) == recovery::CopyKind::kBegin;
    }));
  }
  RecoveryStatus status() { return *node_.status(now_).recovery; }

  TestPeer near_;
  TestPeer far_;
  TestPeer third_;
};

// Whatever their ranks say of these members: the third is on the node's machine, as the first.
TEST_F(CopiesTest, AreOnAnotherMachineWhenThereIsOne) {
  link(near_, 101, "a", "machine 1");
  link(far_, 102, "b", "machine 2");
  link(third_, 103, "c", "machine 1");
  live({&near_, &far_, &third_}, 3 * kSecondUs);
  for (ConnId app = 1; app <= 8; ++app) {
    attach(app);
    open_session(app, "s");
  }
  live({&near_, &far_, &third_}, 3 * kSecondUs);
  EXPECT_EQ(snapshots(far_), 8U);
  EXPECT_EQ(snapshots(near_), 0U);
  EXPECT_EQ(snapshots(third_), 0U);
  EXPECT_EQ(status().copies_whole, 8U);
}

// One on the same machine is better than none, and gives way to one elsewhere when that has been
// there for a while and its copy is whole.
TEST_F(CopiesTest, MoveToAnotherMachineWhenOneComes) {
  link(near_, 101, "a", "machine 1");
  attach(kApp);
  open_session(kApp, "s");
  live({&near_}, 3 * kSecondUs);
  EXPECT_EQ(snapshots(near_), 1U);
  link(far_, 102, "b", "machine 2");
  live({&near_, &far_}, kSecondUs);
  EXPECT_EQ(snapshots(far_), 0U) << "not at once";
  live({&near_, &far_}, 3 * kSecondUs);
  EXPECT_EQ(snapshots(far_), 1U);
  const auto over = std::ranges::find_if(near_.frames, [](const auto& frame) {
    return frame.type == rw::kCopy && first_kind(frame) == recovery::CopyKind::kEndOfCopy;
  });
  EXPECT_NE(over, near_.frames.end());
  EXPECT_EQ(status().copies_whole, 1U);
}

class OneCopyTest : public CopiesTest {
 protected:
  OneCopyTest() {
    link(far_, 102, "b", "machine 2");
    attach(kApp);
    open_session(kApp, "s");
    live({&far_}, 3 * kSecondUs);
    far_.frames.clear();
  }
  // The COPY frames that come of a message.
  std::vector<TestPeer::Frame> copies_of_message(std::size_t bytes) {
    far_.frames.clear();
    publish(kApp, bytes);
    read(far_);
    std::vector<TestPeer::Frame> copies;
    for (const auto& frame : far_.frames) {
      if (frame.type == rw::kCopy) copies.push_back(frame);
    }
    return copies;
  }
};

TEST_F(OneCopyTest, ItsLagIsSampled) {
  const Histogram& lag = node_.counters().copy_lag;
  const std::uint64_t before = lag.count();
  const std::uint64_t sum = lag.sum();
  auto copies = copies_of_message(10);
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_TRUE(asks(copies[0]));
  now_ += 700;
  ack(far_);
  EXPECT_EQ(lag.count(), before + 1);
  EXPECT_EQ(lag.sum(), sum + 700);
  now_ += kAskInterval - 701;
  copies = copies_of_message(10);
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_FALSE(asks(copies[0])) << "not that often";
  ack(far_);
  EXPECT_EQ(lag.count(), before + 1);
  now_ += 1;
  copies = copies_of_message(10);
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_TRUE(asks(copies[0]));
}

TEST_F(OneCopyTest, AwaitedJoinsAskForIt) {
  ASSERT_TRUE(asks(copies_of_message(10).at(0)));
  ack(far_);
  far_.frames.clear();
  (void)read_app(kApp);
  session(kApp, sim::Writer().u8(2).string("/").string("s").varint(1).string("r").take());
  say(kApp, sim::encode_u32(sim::AppType::kSync, 5));
  read(far_);
  const auto last_copy =
      std::ranges::find_if(far_.frames.rbegin(), far_.frames.rend(),
                           [](const auto& frame) { return frame.type == rw::kCopy; });
  ASSERT_NE(last_copy, far_.frames.rend());
  EXPECT_TRUE(asks(*last_copy));
  const auto synced = [&] {
    const auto types = read_app(kApp);
    return std::ranges::count(types, static_cast<std::uint8_t>(sim::SidecarType::kSynced));
  };
  EXPECT_EQ(synced(), 0) << "the copy has not said that it has it";
  ack(far_);
  EXPECT_EQ(synced(), 1);
}

// At the limit what is new is still told; above it the copy is given up, and begins anew when the
// peer has caught up.
TEST_F(OneCopyTest, IsShedAboveTheLimit) {
  constexpr std::size_t kMessage = 60'000;
  ASSERT_EQ(copies_of_message(kMessage).size(), 1U);
  ack(far_);
  ASSERT_EQ(copies_of_message(kMessage).size(), 1U);
  const std::size_t each = far_.unacked_control;
  while (far_.unacked_control + 2 * each <= kShedBytes)
    ASSERT_EQ(copies_of_message(kMessage).size(), 1U);
  for (const bool over : {false, true}) {
    SCOPED_TRACE(over);
    const std::size_t room = kShedBytes - far_.unacked_control;
    if (!over) {
      ASSERT_EQ(copies_of_message(kMessage + room - each).size(), 1U);
      ASSERT_EQ(far_.unacked_control, kShedBytes);
    }
    EXPECT_EQ(copies_of_message(1).size(), over ? 0U : 1U);
    EXPECT_EQ(node_.counters().copies_shed, over ? 1U : 0U);
  }
  EXPECT_EQ(far_.count(rw::kHolders), 1U) << "everybody is told";
  EXPECT_EQ(status().copies_shed, 1U);
  EXPECT_EQ(status().copies_whole, 0U);

  ack(far_);
  far_.frames.clear();
  pass(kShedPause - 1);
  read(far_);
  EXPECT_EQ(snapshots(far_), 0U);
  live({&far_}, 2 * kSecondUs);
  EXPECT_EQ(snapshots(far_), 1U);
  EXPECT_EQ(status().copies_whole, 1U);
}

TEST_F(OneCopyTest, BeginsAnewWhenThePeerHasItNot) {
  control(far_, [](wire::Buffer& out) { rw::write_copy_lost(out, std::uint64_t{kApp} << 56U); });
  EXPECT_EQ(status().copies_whole, 0U);
  live({&far_}, 2 * kSecondUs);
  EXPECT_EQ(snapshots(far_), 1U);
  EXPECT_EQ(status().copies_whole, 1U);
}

class LeavingTest : public PeerTest {
 protected:
  LeavingTest() : PeerTest(0) {
    link(peer_, 101, "a", "");
    attach(kApp);
    pass(kSecondUs);
    read_and_ack(peer_);
  }
  void leave() {
    node_.closed(kApp, now_);
    node_.leave(now_);
    peer_.frames.clear();
    peer_.unacked_control = 0;
    read(peer_);
  }
  TestPeer peer_;
};

// Sessions go as fast as the peer takes them: all at once would be too much for the link.
TEST_F(LeavingTest, SessionsArePaced) {
  constexpr std::size_t kSessions = 200;
  constexpr std::size_t kData = 200'000;
  for (std::size_t i = 0; i < kSessions; ++i)
    open_session(kApp, "s" + std::to_string(i), std::string(kData, 'x'));
  leave();
  for (int turns = 0; turns < 50 && peer_.count(rw::kAdoptReady) == 0; ++turns) {
    EXPECT_GT(peer_.unacked_control, kPeerBacklogBytes / 2);
    EXPECT_LE(peer_.unacked_control, kPeerBacklogBytes + kData + 10'000);
    ack(peer_);
    pass(10 * kMillisecondUs);
    read(peer_);
  }
  EXPECT_EQ(peer_.count(rw::kAdoptReady), 1U);
  EXPECT_EQ(peer_.count(rw::kAdoptSession), kSessions);
  EXPECT_EQ(peer_.frames.back().type, rw::kAdoptReady) << "it says that these were all";
}

// It can't be told in a frame: it ends, and the others go.
TEST_F(LeavingTest, ASessionThatIsTooLongIsLeftBehind) {
  open_session(kApp, "long", std::string(recovery::kSessionDataBytesMax, 'x'));
  for (char room = 'a'; room < 'e'; ++room) {
    session(kApp, sim::Writer()
                      .u8(2)
                      .string("/")
                      .string("long")
                      .varint(1)
                      .string(std::string(1U << 20U, room))
                      .take());
  }
  open_session(kApp, "short");
  leave();
  EXPECT_EQ(peer_.count(rw::kAdoptSession), 1U);
  EXPECT_EQ(peer_.count(rw::kAdoptReady), 1U);
  EXPECT_EQ(node_.status(now_).recovery->sessions, 1U);
  EXPECT_EQ(node_.status(now_).links.at(0).state, "linked");
}

class SessionDataTest : public PeerTest {
 protected:
  SessionDataTest() : PeerTest(0) { attach(kApp); }
  std::uint64_t sessions() { return node_.status(now_).recovery->sessions; }
  static std::string data_of(std::size_t bytes) { return std::string(bytes, 'x'); }
};

TEST_F(SessionDataTest, IsKeptUpToTheLimit) {
  constexpr std::size_t kMost = recovery::kSessionDataBytesMax;
  open_session(kApp, "a", data_of(kMost));
  EXPECT_EQ(sessions(), 1U);
  open_session(kApp, "b", data_of(kMost + 1));
  EXPECT_EQ(sessions(), 1U);
  const auto about = [&](std::uint8_t op, std::size_t bytes) {
    session(kApp, sim::Writer().u8(op).string("/").string("a").raw(data_of(bytes)).take());
  };
  constexpr std::uint8_t kDataOp = 4;
  constexpr std::uint8_t kCloseOp = 5;
  about(kDataOp, kMost);
  EXPECT_EQ(sessions(), 1U);
  about(kDataOp, kMost + 1);
  EXPECT_EQ(sessions(), 0U);
  open_session(kApp, "a");
  about(kCloseOp, kMost + 1);
  EXPECT_EQ(sessions(), 0U);
  open_session(kApp, "a");
  about(kCloseOp, kMost);
  EXPECT_EQ(sessions(), 1U);
}

}  // namespace
}  // namespace socketmesh::node

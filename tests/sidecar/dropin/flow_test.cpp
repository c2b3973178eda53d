// Back-pressure from the far app to the near one, and what tunnels leave to others.
#include "sidecar/dropin/wire/peer_frames.hpp"
#include "tests/sidecar/dropin/dropin_fixture.hpp"

namespace socketmesh::dropin {
namespace {

class FlowTest : public DropInTest {
 protected:
  std::uint64_t held(TestHost& host) {
    std::uint64_t bytes = 0;
    for (const TunnelStatus& tunnel : host.core().status().tunnels) bytes += tunnel.waiting_bytes;
    return bytes;
  }
  std::size_t on_the_wire() {
    std::size_t bytes = 0;
    for (const std::string& payload : world.wires[{&pair.a, &pair.b}]) bytes += payload.size();
    return bytes;
  }
  Pair pair{world};
};

TEST_F(FlowTest, AnAppThatDoesNotReadHoldsItsSenderBack) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  AppSocket& acceptor = *pair.b.accepted.at(0);
  acceptor.reads = false;
  int sent = 0;
  while (!pair.a.core().paused(dialler.conn)) {
    dialler.send(std::string(10'000, 'x'));
    ++sent;
    world.run();
  }
  EXPECT_LE(held(pair.b), kTunnelWindowBytes + sent * ws::kHeadBytesMax);
  EXPECT_GE(sent * 10'000U, kTunnelWindowBytes - 20'000);
  acceptor.reads = true;
  pair.b.settle();
  EXPECT_FALSE(pair.a.core().paused(dialler.conn));
  EXPECT_EQ(acceptor.messages.size(), static_cast<std::size_t>(sent));
}

TEST_F(FlowTest, CreditComesBackHoweverSmallMessagesAre) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  for (int i = 0; i < 100'000; ++i) {
    dialler.send("");
    if (i % 1000 == 0) world.run();
  }
  world.run();
  EXPECT_EQ(pair.b.accepted.at(0)->messages.size(), 100'000U);
}

TEST_F(FlowTest, APeerThatSendsMoreThanItMayLosesThatTunnel) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  pair.b.accepted.at(0)->reads = false;
  const std::uint64_t number = 2;  // the first that `a` opened
  const auto fragment = [&](std::size_t size) {
    const auto head = peer::data_head(number, true, false);
    return as_text(head) + std::string(size - kFragmentCost, 'x');
  };
  for (std::size_t bytes = 0; bytes < kTunnelWindowBytes; bytes += kFragmentBytesMax)
    world.wires[{&pair.a, &pair.b}].push_back(fragment(kFragmentBytesMax));
  world.run();
  ASSERT_EQ(pair.b.core().status().tunnels.size(), 1U) << "the whole window is allowed";
  world.wires[{&pair.a, &pair.b}].push_back(fragment(kFragmentCost));
  world.run();
  EXPECT_EQ(pair.b.closed_for(CloseReason::kCredit), 1U);
  EXPECT_EQ(dialler.close_code, ws::kGoingAway);
}

TEST_F(FlowTest, ALinkThatWaitsIsLeftToOthers) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  pair.a.backlog_bytes = kLinkBacklogBytesMax + 1;
  dialler.send("waits");
  EXPECT_EQ(on_the_wire(), 0U);
  EXPECT_TRUE(pair.a.core().paused(dialler.conn));
  pair.a.backlog_bytes = kLinkBacklogBytesMax;
  world.run();
  EXPECT_EQ(pair.b.accepted.at(0)->messages.size(), 1U);
  EXPECT_FALSE(pair.a.core().paused(dialler.conn));
}

TEST_F(FlowTest, AWholeMessageOfOneTunnelDoesNotHoldUpAnother) {
  AppSocket& big = pair.a.tunnel(kV2b);
  AppSocket& small = pair.a.tunnel(kV2b);
  pair.a.backlog_bytes = kLinkBacklogBytesMax + 1;
  big.send(std::string(1U << 20U, 'x'));
  small.send("short");
  pair.a.backlog_bytes = 0;
  pair.a.core().pump(world.now);
  const auto& wire = world.wires[{&pair.a, &pair.b}];
  ASSERT_GE(wire.size(), 2U);
  EXPECT_LE(wire[0].size(), kFragmentBytesMax + peer::kDataHeadBytes);
  EXPECT_EQ(wire[1].substr(peer::kDataHeadBytes), "short");
  world.run();
  EXPECT_EQ(pair.b.accepted.at(0)->messages.at(0).size(), 1U << 20U);
}

TEST_F(FlowTest, AnAppThatEndsWithoutReadingIsWaitedForOnlySoLong) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  AppSocket& acceptor = *pair.b.accepted.at(0);
  acceptor.reads = false;
  dialler.send("unread");
  dialler.send_close(1000);
  world.run();
  EXPECT_FALSE(acceptor.closed);
  world.advance(kDrainTimeout);
  EXPECT_TRUE(acceptor.closed);
  EXPECT_EQ(pair.b.closed_for(CloseReason::kNotRead), 1U);
}

TEST_F(FlowTest, PingsAreAnsweredAndAFloodOfThemEndsItsConnection) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  wire::Buffer ping;
  ws::write_frame(ping, ws::Role::kClient, ws::Opcode::kPing, true, wire::Buffer(100, 'p'));
  dialler.reads = false;
  for (int i = 0; i < 10'000 && !dialler.closed; ++i) {
    dialler.send_raw(ping);
    world.run();
  }
  EXPECT_TRUE(dialler.closed);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kNotRead), 1U);
  EXPECT_TRUE(pair.b.accepted.at(0)->closed);
}

}  // namespace
}  // namespace socketmesh::dropin

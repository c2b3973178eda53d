// What is kept when something dies, what is given up when it stays away, and who is told.
#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

class OutageTest : public MeshTest {
 protected:
  // Two sidecars with an app each; `b` is in room "blue".
  struct Pair {
    explicit Pair(const WorldOptions& options)
        : world(options),
          home_a(world.add_sidecar()),
          home_b(world.add_sidecar()),
          a(world.add_app(home_a)),
          b(world.add_app(home_b)) {
      world.settle(5 * kSecondUs);
      join(world, b, "blue");
    }
    void publish(int count) {
      for (int i = 0; i < count; ++i) a.publish(to_room("blue"));
    }
    void partition() {
      world.network().block(home_a.host(), home_b.host());
      world.network().block(home_b.host(), home_a.host());
    }
    World world;
    SidecarHost& home_a;
    SidecarHost& home_b;
    SimApp& a;
    SimApp& b;
  };
};

TEST_F(OutageTest, TheReceiversSidecarDiesUnderTraffic) {
  Pair pair({});
  pair.world.ledger().allow_duplicates();
  pair.publish(50);
  pair.world.run_for(300);  // some are on their way
  pair.home_b.crash(false);
  pair.publish(50);
  pair.world.run_for(kSecondUs);
  pair.home_b.start();
  pair.publish(50);
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 150U);
}

TEST_F(OutageTest, ThePublishersSidecarDiesUnderTraffic) {
  Pair pair({});
  pair.world.ledger().allow_duplicates();
  pair.publish(50);
  pair.world.run_for(100);
  pair.home_a.crash(false);
  pair.publish(50);
  pair.world.run_for(kSecondUs);
  pair.home_a.start();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 100U);
}

TEST_F(OutageTest, ACutConnectionLosesAndRepeatsNothing) {
  Pair pair({});
  for (int i = 0; i < 10; ++i) {
    pair.publish(20);
    pair.world.run_for(400);
    pair.world.network().cut_one();
    pair.publish(20);
    pair.world.run_for(kSoon);
  }
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 400U);
}

// What a peer sent before its sidecar stood still lies before the news that the app has gone.
TEST_F(OutageTest, AStoppedSidecarTakesNothingForAConnectionThatItsAppGaveUp) {
  Pair pair({});
  pair.home_b.freeze();
  pair.publish(5);
  pair.world.run_for(kSoon);
  pair.b.cut();
  pair.world.run_for(5 * kSecondUs);
  pair.publish(5);
  pair.home_b.thaw();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 10U);
  EXPECT_TRUE(pair.a.sees(pair.b.id(), "/"));
}

TEST_F(OutageTest, AllSidecarsStoppedTogetherLoseNothing) {
  Pair pair({});
  pair.home_a.freeze();
  pair.home_b.freeze();
  pair.publish(5);
  pair.b.cut();
  pair.world.run_for(kSoon);
  pair.a.cut();
  pair.world.run_for(20 * kSecondUs);
  pair.publish(5);
  pair.home_a.thaw();
  pair.home_b.thaw();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 10U);
}

// A short stop takes no connection away.
TEST_F(OutageTest, AShortStopKeepsTheLinks) {
  Pair pair({});
  const auto links = pair.home_a.links();
  pair.home_b.freeze();
  pair.publish(5);
  pair.world.run_for(2 * kSecondUs);
  pair.home_b.thaw();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 5U);
  EXPECT_EQ(pair.home_a.links(), links);
}

TEST_F(OutageTest, APartitionOverPeerTimeoutMakesMembersUnreachableAndKeepsMessages) {
  Pair pair({});
  pair.partition();
  pair.publish(5);
  // idle_timeout until the silence is noticed, peer_timeout until the members are given up.
  pair.world.run_for(8 * kSecondUs);
  ASSERT_FALSE(pair.a.downs().empty());
  EXPECT_EQ(pair.a.downs().back().second, 3) << "unreachable";
  pair.world.network().heal_all();
  pair.world.settle(5 * kSecondUs);
  EXPECT_TRUE(pair.a.sees(pair.b.id(), "/"));
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 5U) << "held for hold_time";
}

TEST_F(OutageTest, WhatTheHoldDoesNotOutlastIsDeclared) {
  WorldOptions options;
  options.limits.hold_time = 4 * kSecondUs;
  Pair pair(options);
  pair.world.ledger().forbid_gaps(false);
  pair.partition();
  pair.publish(7);
  pair.world.run_for(12 * kSecondUs);
  EXPECT_EQ(drops(pair.home_a, node::DropReason::kHoldEnded), 7U);
  pair.world.network().heal_all();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().declared_to(pair.b), 7U);
  pair.world.ledger().judge();
  pair.a.publish(to_room("blue"));
  pair.world.settle(kSecondUs);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 1U) << "and life goes on";
}

TEST_F(OutageTest, AGracefulRestartOfTheSidecarTakesNoMemberDown) {
  Pair pair({});
  pair.world.ledger().allow_duplicates();
  pair.home_b.leave();
  pair.world.run_for(20 * kMillisecondUs);
  EXPECT_FALSE(pair.home_b.running()) << "goodbyes are written, the process ends";
  pair.publish(3);
  pair.home_b.start();
  pair.world.settle(5 * kSecondUs);
  EXPECT_TRUE(pair.a.downs().empty());
  EXPECT_EQ(pair.world.ledger().received_by(pair.b), 3U);
}

TEST_F(OutageTest, AnAwaitedJoinDoesNotWaitForAPeerThatIsGone) {
  Pair pair({});
  pair.partition();
  pair.b.join("/", {"green"});
  const std::uint32_t id = pair.b.sync();
  EXPECT_TRUE(
      pair.world.run_until(1100 * kMillisecondUs, [&] { return pair.b.synced(id).has_value(); }));
  EXPECT_EQ(*pair.b.synced(id), 1) << "and says so";
}

TEST_F(OutageTest, AFullWindowDropsTheOldestAndDeclaresIt) {
  WorldOptions options;
  options.limits.link_window_bytes = 16 * 1024;
  options.limits.chunk_bytes = 1024;
  Pair pair(options);
  pair.world.ledger().forbid_gaps(false);
  pair.partition();
  for (int i = 0; i < 40; ++i) pair.a.publish(to_room("blue", 1000));
  pair.world.run_for(kSoon);
  pair.world.check_memory();
  const std::uint64_t dropped = drops(pair.home_a, node::DropReason::kLinkWindow);
  EXPECT_GT(dropped, 20U);
  EXPECT_LT(dropped, 30U) << "and no more than it must";
  pair.world.network().heal_all();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().declared_to(pair.b), dropped);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b) + dropped, 40U);
  pair.world.ledger().judge();
}

TEST_F(OutageTest, AFullMemberQueueDropsTheOldestAndDeclaresIt) {
  WorldOptions options;
  options.limits.member_queue_bytes = 16 * 1024;
  options.limits.chunk_bytes = 1024;
  options.network.buffer_bytes = 4 * 1024;
  Pair pair(options);
  pair.world.ledger().forbid_gaps(false);
  pair.b.stop_reading(true);
  for (int i = 0; i < 60; ++i) pair.a.publish(to_room("blue", 1000));
  pair.world.run_for(kSoon);
  pair.world.check_memory();
  const std::uint64_t dropped = drops(pair.home_b, node::DropReason::kMemberQueue);
  EXPECT_GT(dropped, 0U);
  pair.b.stop_reading(false);
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.world.ledger().declared_to(pair.b), dropped);
  EXPECT_EQ(pair.world.ledger().received_by(pair.b) + dropped, 60U);
  pair.world.ledger().judge();
}

TEST_F(OutageTest, VolatileIsShedFirstAndSlowsNobody) {
  WorldOptions options;
  options.limits.volatile_backlog_bytes = 8 * 1024;
  options.network.buffer_bytes = 4 * 1024;
  Pair pair(options);
  SidecarHost& home_c = pair.world.add_sidecar();
  SimApp& c = pair.world.add_app(home_c);
  pair.world.settle(5 * kSecondUs);
  join(pair.world, c, "blue");
  pair.b.stop_reading(true);
  for (int i = 0; i < 50; ++i) {
    Data data = to_room("blue", 1000);
    data.flags = kFlagVolatile;
    pair.a.publish(data);
    pair.world.run_for(2 * kMillisecondUs);
  }
  EXPECT_GT(drops(pair.home_b, node::DropReason::kVolatile), 20U);
  EXPECT_EQ(pair.world.ledger().received_by(c), 50U) << "a slow member never slows another";
  pair.b.stop_reading(false);
  pair.world.settle(5 * kSecondUs);
}

}  // namespace
}  // namespace socketmesh::sim

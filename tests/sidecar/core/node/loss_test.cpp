// What a member missed is declared to it, once it is back: by whom, how much, and to nobody else.
#include <array>

#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

class LossTest : public MeshTest {
 protected:
  // Two sidecars; `a` on one, `b` and its sibling on the other, both in room "blue".
  struct Trio {
    explicit Trio(const WorldOptions& options = {})
        : world(options),
          home_a(world.add_sidecar()),
          home_b(world.add_sidecar()),
          a(world.add_app(home_a)),
          b(world.add_app(home_b)),
          sibling(world.add_app(home_b)) {
      world.ledger().allow_duplicates();
      world.settle(5 * kSecondUs);
      join(world, b, "blue");
      join(world, sibling, "blue");
    }
    void publish(SimApp& app, int count) {
      for (int i = 0; i < count; ++i) app.publish(to_room("blue"));
    }
    std::uint64_t declared(const SimApp& app) { return world.ledger().declared_to(app); }
    std::uint64_t received(const SimApp& app) { return world.ledger().received_by(app); }
    World world;
    SidecarHost& home_a;
    SidecarHost& home_b;
    SimApp& a;
    SimApp& b;
    SimApp& sibling;
  };
};

TEST_F(LossTest, AMemberThatComesBackTooLateIsToldWhatWasHeldForIt) {
  Trio trio;
  trio.world.ledger().forbid_gaps(false);
  trio.b.stay_away(true);
  trio.home_b.crash(false);
  trio.publish(trio.a, 7);
  trio.home_b.start();
  trio.world.run_for(4 * kSecondUs);
  ASSERT_FALSE(trio.a.sees(trio.b.id(), "/")) << "peer_timeout has passed";
  EXPECT_EQ(trio.received(trio.sibling), 7U) << "it waits no longer";
  trio.b.stay_away(false);
  trio.world.settle(5 * kSecondUs);
  EXPECT_EQ(trio.declared(trio.b), 7U);
  EXPECT_EQ(trio.declared(trio.sibling), 0U) << "it missed nothing";
  trio.world.ledger().judge();
  trio.publish(trio.a, 1);
  trio.world.settle(kSecondUs);
  EXPECT_EQ(trio.received(trio.b), 1U) << "and life goes on";
}

TEST_F(LossTest, ASiblingsMessagesAreDeclaredToo) {
  Trio trio;
  trio.world.ledger().forbid_gaps(false);
  trio.b.stay_away(true);
  trio.home_b.crash(false);
  trio.publish(trio.sibling, 5);
  trio.home_b.start();
  trio.world.run_for(4 * kSecondUs);
  trio.b.stay_away(false);
  trio.world.settle(5 * kSecondUs);
  EXPECT_EQ(trio.declared(trio.b), 5U);
  EXPECT_EQ(trio.declared(trio.a), 0U);
}

TEST_F(LossTest, TheWordOutlivesALifeThatTheMemberNeverMet) {
  WorldOptions options;
  options.limits.hold_time = 4 * kSecondUs;
  Trio trio(options);
  trio.world.ledger().forbid_gaps(false);
  trio.b.stay_away(true);
  trio.home_b.crash(false);
  trio.publish(trio.a, 7);
  trio.world.run_for(5 * kSecondUs);
  EXPECT_EQ(drops(trio.home_a, node::DropReason::kHoldEnded), 7U);
  for (int life = 0; life < 2; ++life) {
    trio.home_b.start();
    trio.world.run_for(kSoon);
    trio.home_b.crash(false);
  }
  trio.home_b.start();
  trio.b.stay_away(false);
  trio.world.settle(5 * kSecondUs);
  EXPECT_EQ(trio.declared(trio.b), 7U);
  trio.world.ledger().judge();
}

TEST_F(LossTest, ACutConnectionIsADeathAndWhatLayInTheQueueIsDeclared) {
  WorldOptions options;
  options.network.buffer_bytes = 4 * 1024;
  Trio trio(options);
  trio.b.stop_reading(true);
  for (int i = 0; i < 20; ++i) trio.a.publish(to_room("blue", 1000));
  for (int i = 0; i < 5; ++i) trio.sibling.publish(to_room("blue", 1000));
  trio.world.run_for(kSoon);
  trio.b.cut();
  trio.b.stop_reading(false);
  EXPECT_TRUE(trio.world.run_until(kSoon, [&] { return !trio.a.downs().empty(); }));
  EXPECT_EQ(trio.a.downs().back().second, 2) << "died, at once";
  trio.world.settle(5 * kSecondUs);
  EXPECT_TRUE(trio.a.sees(trio.b.id(), "/"));
  EXPECT_EQ(trio.declared(trio.b) + trio.received(trio.b), 25U);
  EXPECT_EQ(trio.received(trio.sibling), 20U);
  EXPECT_EQ(trio.declared(trio.sibling), 0U);
  trio.world.ledger().judge();
}

TEST_F(LossTest, WhatCrossesTheWordOfACutIsDeclared) {
  Trio trio;
  trio.publish(trio.a, 4);
  trio.world.run_for(200);  // at a's sidecar, or on its link
  trio.b.cut();
  trio.world.settle(5 * kSecondUs);
  EXPECT_GE(trio.declared(trio.b) + trio.received(trio.b), 4U);
  EXPECT_EQ(trio.received(trio.sibling), 4U);
  trio.world.ledger().judge();
}

TEST_F(LossTest, AGapThatCountsForManyIsDeclaredWithAllOfThem) {
  WorldOptions options;
  options.limits.link_window_bytes = 16 * 1024;
  options.limits.chunk_bytes = 1024;
  Trio trio(options);
  trio.world.ledger().forbid_gaps(false);
  trio.world.network().block(trio.home_a.host(), trio.home_b.host());
  trio.world.network().block(trio.home_b.host(), trio.home_a.host());
  Data gap;
  gap.route = Route::kMesh;
  gap.kind = Kind::kGap;
  gap.body = Writer().varint(1000).take();
  trio.a.publish(gap);
  for (int i = 0; i < 40; ++i) trio.a.publish(to_room("blue", 1000));
  trio.world.run_for(kSoon);
  const std::uint64_t dropped = drops(trio.home_a, node::DropReason::kLinkWindow);
  trio.world.network().heal_all();
  trio.world.settle(5 * kSecondUs);
  EXPECT_GT(dropped, 1000U);
  EXPECT_EQ(trio.declared(trio.b), dropped);
}

TEST_F(LossTest, GatherNeedsRoomForTwo) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  sidecar.node().link_opened(7, "10.9.9.9:1", "10.9.9.9:1", world.now());
  std::array<std::span<const std::uint8_t>, 2> spans;
  EXPECT_EQ(sidecar.node().gather(7, std::span(spans).first(1)), 0U);
  EXPECT_EQ(sidecar.node().gather(7, spans), 1U);
}

}  // namespace
}  // namespace socketmesh::sim

// Where messages go when nothing breaks, and what apps are told of each other. The ledger of the
// world judges every delivery.
#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

class RoutingTest : public MeshTest {
 protected:
  RoutingTest()
      : world_({}),
        home_a_(world_.add_sidecar()),
        home_b_(world_.add_sidecar()),
        a_(world_.add_app(home_a_)),
        b_(world_.add_app(home_b_)),
        b2_(world_.add_app(home_b_)) {
    world_.settle(5 * kSecondUs);
  }

  World world_;
  SidecarHost& home_a_;
  SidecarHost& home_b_;
  SimApp& a_;
  SimApp& b_;
  SimApp& b2_;
};

TEST_F(RoutingTest, AnAwaitedJoinIsReachableAtOnce) {
  join(world_, b_, "blue");
  a_.publish(to_room("blue"));
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(b_), 1U);
  EXPECT_EQ(world_.ledger().received_by(b2_), 0U) << "nobody there is in that room";
}

TEST_F(RoutingTest, ARoomThatNobodyIsInCostsNothing) {
  a_.publish(to_room("empty"));
  world_.settle(kSecondUs);
  EXPECT_EQ(home_a_.node().counters().messages_unrouted, 1U);
  EXPECT_EQ(home_a_.node().counters().link_messages_out, 0U);
}

TEST_F(RoutingTest, ARoomThatWasLeftIsNotServed) {
  join(world_, b_, "blue");
  b_.leave("/", "blue");
  world_.run_for(kSoon);
  a_.publish(to_room("blue"));
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(b_), 0U);
}

TEST_F(RoutingTest, OneCopyForAPeerWithSeveralMembers) {
  join(world_, b_, "blue");
  join(world_, b2_, "blue");
  a_.publish(to_room("blue"));
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(b_), 1U);
  EXPECT_EQ(world_.ledger().received_by(b2_), 1U);
  EXPECT_EQ(home_a_.node().counters().link_messages_out, 1U);
}

TEST_F(RoutingTest, NoRoomsMeansTheWholeNamespaceButNotThePublisher) {
  Data data = to_room("");
  data.rooms.clear();
  b_.publish(data);
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(a_), 1U);
  EXPECT_EQ(world_.ledger().received_by(b2_), 1U);
  EXPECT_EQ(world_.ledger().received_by(b_), 0U);
}

TEST_F(RoutingTest, ExceptDoesNotRoute) {
  join(world_, b_, "blue");
  Data data = to_room("blue");
  data.except = {"blue"};
  a_.publish(data);
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(b_), 1U);
}

TEST_F(RoutingTest, EmitRightBehindSocketsJoinReachesEveryAddressedMember) {
  Data joins;
  joins.nsp = "/";
  joins.kind = Kind::kSocketsJoin;
  joins.flags = kFlagProvisional;
  joins.joins = {"fresh"};
  joins.body = Writer().varint(1).string("fresh").take();
  a_.publish(joins);
  a_.publish(to_room("fresh"));
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(b_), 2U);
  EXPECT_EQ(world_.ledger().received_by(b2_), 2U)
      << "its sidecar has two members, and neither had joined";
  EXPECT_EQ(home_a_.node().counters().provisional_joins, 1U);
}

TEST_F(RoutingTest, UnicastReachesOneMember) {
  Data data;
  data.route = Route::kMember;
  data.kind = Kind::kServerSideEmit;
  data.nsp = "/";
  data.destination = b2_.id();
  data.body = "null";
  a_.publish(data);
  world_.settle(kSecondUs);
  EXPECT_EQ(world_.ledger().received_by(b_), 0U);
  EXPECT_EQ(world_.ledger().received_by(b2_), 1U);
}

TEST_F(RoutingTest, UnicastToAStrangerIsCountedAndTaken) {
  Data data;
  data.route = Route::kMember;
  data.nsp = "/";
  data.destination = 42;
  a_.publish(data);
  world_.settle(kSecondUs);
  EXPECT_EQ(drops(home_a_, node::DropReason::kNoSuchMember), 1U);
}

TEST_F(RoutingTest, ARequestKnowsWhomItWentToAndEnds) {
  Data data;
  data.flags = kFlagRouted;
  data.route = Route::kNamespace;
  data.kind = Kind::kFetchSockets;
  data.nsp = "/";
  a_.publish(data);
  EXPECT_EQ(a_.open_requests(), 1U);
  world_.settle(kSecondUs);
  EXPECT_EQ(a_.totals().requests_ended, 1U);
  EXPECT_EQ(world_.ledger().received_by(a_), 2U) << "one answer of each";
}

TEST_F(RoutingTest, ADeathEndsWhatWaitsOnIt) {
  b_.stop_reading(true);
  Data data;
  data.flags = kFlagRouted;
  data.route = Route::kNamespace;
  data.kind = Kind::kFetchSockets;
  data.nsp = "/";
  a_.publish(data);
  world_.run_for(kSoon);
  EXPECT_EQ(a_.open_requests(), 1U);
  world_.crash_app(b_);
  world_.run_for(20 * kMillisecondUs);
  EXPECT_EQ(a_.open_requests(), 0U);
}

TEST_F(RoutingTest, LeavingAndDyingAreToldApart) {
  world_.detach_app(b_);
  world_.run_for(kSoon);
  ASSERT_EQ(a_.downs().size(), 1U);
  EXPECT_EQ(a_.downs()[0], (std::pair<MemberId, std::uint8_t>{b_.id(), 1}));
  world_.crash_app(b2_);
  world_.run_for(kSoon);
  ASSERT_EQ(a_.downs().size(), 2U);
  EXPECT_EQ(a_.downs()[1], (std::pair<MemberId, std::uint8_t>{b2_.id(), 2}));
}

TEST_F(RoutingTest, ANamespaceIsSeenComingAndGoing) {
  b_.open_namespace("/games");
  world_.settle(kSecondUs);
  EXPECT_TRUE(a_.sees(b_.id(), "/games"));
  b_.close_namespace("/games");
  world_.settle(kSecondUs);
  EXPECT_FALSE(a_.sees(b_.id(), "/games"));
}

}  // namespace
}  // namespace socketmesh::sim

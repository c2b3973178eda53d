// Whole rosters only, stable addresses, v1 and v2 apart; and who counts as alive.
#include <gmock/gmock.h>

#include "tests/sidecar/dropin/dropin_fixture.hpp"

namespace socketmesh::dropin {
namespace {

using Roster = std::map<std::string, std::string>;
using testing::Contains;

class RosterTest : public DropInTest {};

TEST_F(RosterTest, RemoteServersAreReachedThroughTheOwnSidecar) {
  Pair pair(world);
  EXPECT_EQ(pair.app_a.roster(),
            (Roster{{kV2a, "ws://localhost:3001"}, {kV2b, "ws://127.0.0.1:8001/" + kV2b}}));
  EXPECT_EQ(pair.app_b.roster(),
            (Roster{{kV2a, "ws://127.0.0.1:8001/" + kV2a}, {kV2b, "ws://localhost:3002"}}));
  pair.app_b.send_close(1000);
  world.run();
  EXPECT_EQ(pair.app_a.roster(), (Roster{{kV2a, "ws://localhost:3001"}}));
}

TEST_F(RosterTest, NoneIsGivenBeforeEveryListedPeerHasTold) {
  TestHost& a = world.add("a");
  TestHost& b = world.add("b");
  a.known = a.settled = false;
  b.app(kV2b, 3002);
  AppSocket& app = a.app(kV2a, 3001);
  world.advance(kSecondUs);
  EXPECT_TRUE(app.messages.empty()) << "discovery has not answered";
  a.known = true;
  world.advance(kSecondUs);
  EXPECT_TRUE(app.messages.empty()) << "a listed address is not linked";
  world.start_stream(a, b);  // the link is there, and the list on its way
  a.settled = true;
  world.run();
  EXPECT_TRUE(app.messages.empty()) << "the peer has not told";
  world.link(a, b);
  ASSERT_EQ(app.messages.size(), 1U);
  EXPECT_EQ(app.roster().size(), 2U);
}

TEST_F(RosterTest, WaitingForPeersIsBounded) {
  TestHost& a = world.add("a");
  a.known = a.settled = false;
  AppSocket& app = a.app(kV2a, 3001);
  world.advance(kFirstRosterTimeout - 1);
  EXPECT_TRUE(app.messages.empty());
  world.advance(1);
  EXPECT_EQ(app.messages.size(), 1U);
  EXPECT_THAT(a.logs, Contains("rosters begin without every peer"));

  TestHost& b = world.add("b");
  b.settled = false;
  AppSocket& other = b.app(kV2b, 3002);
  world.advance(3 * kSecondUs - 1);
  EXPECT_TRUE(other.messages.empty());
  world.advance(1);
  EXPECT_EQ(other.messages.size(), 1U);
}

TEST_F(RosterTest, V1AndV2DoNotSeeEachOther) {
  Pair pair(world);
  AppSocket& v1a = pair.a.app(kV1a, 4001);
  AppSocket& v1b = pair.b.app(kV1b, 4002);
  EXPECT_EQ(v1a.roster(), (Roster{{kV1a, "ws://localhost:4001"}, {kV1b, "ws://b.pod:4002"}}))
      << "direct, at the pod's address";
  EXPECT_EQ(v1b.roster(), (Roster{{kV1a, "ws://a.pod:4001"}, {kV1b, "ws://localhost:4002"}}));
  EXPECT_EQ(pair.app_a.roster().size(), 2U);
}

TEST_F(RosterTest, DirectOnEitherSideIsDirectForBoth) {
  TestHost& a = world.add("a");
  TestHost& b = world.add("b", false);
  world.link(a, b);
  AppSocket& app_a = a.app(kV2a, 3001);
  AppSocket& app_b = b.app(kV2b, 3002);
  const Roster both = {{kV2a, "ws://localhost:3001"}, {kV2b, "ws://localhost:3002"}};
  EXPECT_EQ(app_a.roster(), both) << "as registered: a hello shows that address";
  EXPECT_EQ(app_b.roster(), both);
}

TEST_F(RosterTest, DiscoveryThatIsAwayTakesNothing) {
  Pair pair(world);
  const std::size_t told = pair.app_a.messages.size();
  AppSocket& tunnel = pair.a.tunnel(kV2b);
  pair.a.known = pair.a.settled = false;
  world.advance(600 * kSecondUs);
  EXPECT_EQ(pair.app_a.messages.size(), told);
  EXPECT_FALSE(tunnel.closed);
  AppSocket& late = pair.a.app("00000000000000cc", 3003);
  EXPECT_EQ(late.roster().size(), 3U) << "nor does a new app wait for it";
}

TEST_F(RosterTest, ALinkLostForShortChangesNothing) {
  Pair pair(world);
  const std::size_t told = pair.app_a.messages.size();
  world.lose(pair.a, pair.b);
  world.advance(3 * kSecondUs - 1);
  world.link(pair.a, pair.b, false);
  world.advance(10 * kSecondUs);
  EXPECT_EQ(pair.app_a.messages.size(), told);
}

TEST_F(RosterTest, ALinkLostForLongTakesCarriedServersAndGivesThemBack) {
  Pair pair(world);
  world.lose(pair.a, pair.b);
  world.advance(3 * kSecondUs);
  EXPECT_EQ(pair.app_a.roster().size(), 1U);
  world.link(pair.a, pair.b, false);
  EXPECT_EQ(pair.app_a.roster().size(), 2U);
}

TEST_F(RosterTest, DirectServersCountWhileTheyAcceptWhateverBecomesOfTheirSidecar) {
  TestHost& a = world.add("a", false);
  TestHost& b = world.add("b", false);
  world.link(a, b);
  AppSocket& app = a.app(kV2a, 3001);
  b.app(kV2b, 3002);
  a.remote_ok.insert("localhost:3002");
  const std::size_t told = app.messages.size();
  world.lose(a, b);
  world.advance(10 * kSecondUs);
  EXPECT_EQ(app.messages.size(), told);
  b.restart();
  world.link(a, b);
  world.advance(10 * kSecondUs);
  EXPECT_EQ(app.messages.size(), told) << "its sidecar has not heard of it yet";
  world.gone(a, b);
  world.advance(10 * kSecondUs);
  EXPECT_EQ(app.messages.size(), told);
  a.remote_ok.clear();
  world.advance(2 * kSecondUs);
  EXPECT_EQ(app.roster(), (Roster{{kV2a, "ws://localhost:3001"}}));
}

TEST_F(RosterTest, ARestartedSidecarStillStandsForItsV2Apps) {
  Pair pair(world);
  const std::size_t told = pair.app_a.messages.size();
  EXPECT_EQ(pair.b.saved, kV2b + " ws://localhost:3002\n");
  pair.b.restart();
  world.link(pair.a, pair.b);
  world.advance(kReturnTimeout - 1);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 101) << "it is reached before it is back";
  AppSocket& again = pair.b.app(kV2b, 3002);
  world.advance(10 * kSecondUs);
  EXPECT_EQ(pair.app_a.messages.size(), told) << "nothing has changed";
  EXPECT_EQ(again.messages.size(), 1U);
  EXPECT_EQ(again.roster().size(), 2U) << "the first one is whole";
}

TEST_F(RosterTest, AV2AppThatDoesNotReturnToItsRestartedSidecarIsGone) {
  Pair pair(world);
  pair.b.restart();
  world.link(pair.a, pair.b);
  world.advance(kReturnTimeout);
  EXPECT_EQ(pair.app_a.roster().size(), 1U);
  EXPECT_EQ(pair.b.saved, "");
  pair.b.app(kV2b, 3002);
  pair.b.ports.clear();
  pair.b.restart();
  world.link(pair.a, pair.b);
  world.advance(1);
  EXPECT_EQ(pair.app_a.roster().size(), 1U) << "it died with its sidecar";
}

TEST_F(RosterTest, ASidecarThatLeavesWithoutItsAppsMayBeBackForThem) {
  Pair pair(world);
  AppSocket& tunnel = pair.a.tunnel(kV2b);
  const std::size_t told = pair.app_a.messages.size();
  const auto leave = [&] {
    pair.b.core().leave(world.now);
    world.run();
    world.lose(pair.a, pair.b);
    world.gone(pair.a, pair.b);
  };
  leave();
  EXPECT_EQ(tunnel.close_code, ws::kGoingAway);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 404);
  world.advance(3 * kSecondUs - 1);
  pair.b.restart();
  world.link(pair.a, pair.b);
  pair.b.app(kV2b, 3002);
  world.advance(10 * kSecondUs);
  EXPECT_EQ(pair.app_a.messages.size(), told) << "nothing has changed";
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 101);

  leave();
  world.advance(3 * kSecondUs);
  EXPECT_EQ(pair.app_a.roster(), (Roster{{kV2a, "ws://localhost:3001"}}));
  EXPECT_EQ(pair.a.core().status().servers.size(), 1U) << "it is forgotten";
}

TEST_F(RosterTest, ASidecarThatWasAwayAndIsGivenUpIsForgottenAtOnce) {
  Pair pair(world);
  world.lose(pair.a, pair.b);
  world.advance(3 * kSecondUs);
  EXPECT_EQ(pair.a.core().status().servers.size(), 2U);
  world.gone(pair.a, pair.b);
  EXPECT_EQ(pair.a.core().status().servers.size(), 1U);
}

// Its state did not outlive it.
TEST_F(RosterTest, ARestartedSidecarsListReplacesWhatItCarried) {
  Pair pair(world);
  pair.b.saved.clear();
  pair.b.restart();
  world.link(pair.a, pair.b);
  EXPECT_EQ(pair.app_a.roster().size(), 1U);
  AppSocket& again = pair.b.app(kV2b, 3002);
  EXPECT_EQ(pair.app_a.roster().size(), 2U);
  EXPECT_EQ(again.messages.size(), 1U);
  EXPECT_EQ(again.roster().size(), 2U) << "the first one is whole";
}

TEST_F(RosterTest, AV1AppThatLostDiscoveryCountsWhileItsPortAccepts) {
  Pair pair(world);
  AppSocket& far = pair.a.app(kV1a, 4001);
  AppSocket& v1 = pair.b.app(kV1b, 4002);
  v1.break_off();
  world.advance(60 * kSecondUs);
  EXPECT_EQ(far.roster().size(), 2U);
  EXPECT_EQ(pair.b.core().status().restart_needed, 1U);
  pair.b.ports.erase(4002);
  world.advance(kOwnProbeInterval);
  EXPECT_EQ(far.roster().size(), 1U);
  EXPECT_EQ(pair.b.core().status().restart_needed, 0U);
}

TEST_F(RosterTest, ADeadAppIsFoundOutAtOnce) {
  Pair pair(world);
  pair.b.ports.erase(3002);
  pair.app_b.break_off();
  world.run();
  world.advance(1);
  EXPECT_EQ(pair.app_a.roster().size(), 1U);
}

TEST_F(RosterTest, AV2AppThatOnlyLostDiscoveryHasTimeToReturn) {
  Pair pair(world);
  const std::size_t told = pair.app_a.messages.size();
  pair.app_b.break_off();
  world.advance(kReturnTimeout - 1);
  EXPECT_EQ(pair.app_a.messages.size(), told);
  pair.b.app(kV2b, 3002);
  world.advance(2 * kReturnTimeout);
  EXPECT_EQ(pair.app_a.messages.size(), told);
}

TEST_F(RosterTest, AV2AppThatDoesNotReturnIsGone) {
  Pair pair(world);
  pair.app_b.break_off();
  world.advance(kReturnTimeout);
  EXPECT_EQ(pair.app_a.roster().size(), 1U);
}

TEST_F(RosterTest, V1EntriesOutliveTheirSidecar) {
  Pair pair(world);
  AppSocket& far = pair.a.app(kV1a, 4001);
  pair.b.app(kV1b, 4002);
  EXPECT_EQ(pair.b.saved, kV2b + " ws://localhost:3002\n" + kV1b + " ws://localhost:4002\n");
  const std::size_t told = far.messages.size();
  pair.b.restart();
  world.link(pair.a, pair.b);
  world.advance(kReturnTimeout);
  EXPECT_EQ(far.messages.size(), told);
  EXPECT_EQ(pair.b.core().status().restart_needed, 1U);
  EXPECT_THAT(pair.b.logs, Contains("v1 app must be restarted to see new servers"));
  // A new process at its port: the old one is dead.
  const std::string fresh = "123e4567-e89b-12d3-a456-42661417400c";
  pair.b.app(fresh, 4002);
  EXPECT_EQ(far.roster(), (Roster{{kV1a, "ws://localhost:4001"}, {fresh, "ws://b.pod:4002"}}));
  EXPECT_EQ(pair.b.saved, fresh + " ws://localhost:4002\n");
}

TEST_F(RosterTest, BrokenStateIsLeftOut) {
  TestHost& a = world.add("a");
  a.saved = "nonsense\n" + kV2a + " http://a:1\n" + kV1a + " http://a\n" + kV1b +
            " ws://localhost:4002\n\n";
  a.ports.insert(4002);
  a.restart();
  ASSERT_EQ(a.core().status().servers.size(), 1U);
  EXPECT_EQ(a.core().status().servers[0].id, kV1b);
}

}  // namespace
}  // namespace socketmesh::dropin

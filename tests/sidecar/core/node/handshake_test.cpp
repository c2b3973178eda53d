// Which connections become links, and how the others are turned away.
#include <optional>

#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

using node::CutReason;
constexpr auto kRefuse = static_cast<std::uint8_t>(LinkType::kRefuse);

class HandshakeTest : public MeshTest {};

TEST_F(HandshakeTest, AnotherMeshIsRefusedByName) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  RawClient stranger(world, sidecar.link_address());
  stranger.send(hello("games", "stranger", 1));
  world.run_for(kSoon);
  EXPECT_EQ(stranger.count(kRefuse), 1U);
  EXPECT_TRUE(stranger.closed());
  EXPECT_EQ(cuts(sidecar, CutReason::kMeshName), 1U);
  ASSERT_FALSE(stranger.frames().empty());
  EXPECT_NE(stranger.frames().back().find("games"), std::string::npos)
      << "the refusal names the mesh";
}

TEST_F(HandshakeTest, VersionsThatDoNotMeetAreRefused) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  RawClient future(world, sidecar.link_address());
  future.send(hello("chat", "future", 1, 7, 9));
  world.run_for(kSoon);
  EXPECT_EQ(future.count(kRefuse), 1U);
  EXPECT_TRUE(future.closed());
  EXPECT_EQ(cuts(sidecar, CutReason::kVersion), 1U);
}

TEST_F(HandshakeTest, OwnAddressIsFoundOutAndLeftAlone) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  world.run_for(3 * kSecondUs);
  const auto status = sidecar.status();
  ASSERT_EQ(status.addresses.size(), 1U);
  EXPECT_EQ(status.addresses[0].state, "self");
  EXPECT_TRUE(status.links.empty());
  EXPECT_EQ(sidecar.node().counters().dials, 1U);
}

TEST_F(HandshakeTest, OfTwoConnectionsTheSmallerIdsStays) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    WorldOptions options;
    options.seed = seed;
    World world(options);
    SidecarHost& a = world.add_sidecar("chat", "a");
    SidecarHost& b = world.add_sidecar("chat", "b");
    world.settle(5 * kSecondUs);
    EXPECT_TRUE(a.status().links.at(0).dialed) << "seed " << seed;
    EXPECT_FALSE(b.status().links.at(0).dialed) << "seed " << seed;
  }
}

TEST_F(HandshakeTest, TwoThatDialEachOtherAtOnceLogOneLinkEach) {
  bool replaced = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.network.jitter = 5 * kMillisecondUs;  // one of the two is far behind
    World world(options);
    world.add_sidecar("chat", "a");
    world.add_sidecar("chat", "b");
    world.settle(5 * kSecondUs);
    const std::string log = world.trace().tail(256);
    std::size_t linked = 0;
    for (std::size_t at = 0; (at = log.find(": linked peer", at)) != std::string::npos; ++at)
      ++linked;
    EXPECT_EQ(linked, 2U) << "seed " << seed << "\n" << log;
    replaced = replaced || log.find("link replaced") != std::string::npos;
  }
  EXPECT_TRUE(replaced) << "no seed had two links at once";
}

TEST_F(HandshakeTest, AJoinThatWaitsOnALinkThatGivesWayIsAnsweredByTheOther) {
  constexpr TimeUs kStep = kMillisecondUs / 4;
  std::size_t replaced = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.network.jitter = 5 * kMillisecondUs;
    World world(options);
    struct End {
      SidecarHost& home;
      SimApp& app;
      std::optional<std::uint32_t> sync;
    };
    std::vector<End> ends;
    for (const char* id : {"a", "b"}) {
      SidecarHost& home = world.add_sidecar("chat", id);
      ends.push_back({home, world.add_app(home), std::nullopt});
    }
    // Each asks as soon as it has a link, which may be the one that goes.
    for (TimeUs t = 0; t < 100 * kMillisecondUs; t += kStep) {
      world.run_for(kStep);
      for (End& end : ends) {
        if (end.sync || !end.app.welcomed() || end.home.links().empty()) continue;
        end.app.join("/", {"blue"});
        end.sync = end.app.sync();
      }
    }
    world.settle(5 * kSecondUs);
    for (const End& end : ends) {
      ASSERT_TRUE(end.sync) << "seed " << seed;
      EXPECT_EQ(end.app.synced(*end.sync), 0) << "seed " << seed;
    }
    if (world.trace().tail(1024).find("link replaced") != std::string::npos) ++replaced;
  }
  EXPECT_GT(replaced, 0U) << "no seed had two links at once";
}

TEST_F(HandshakeTest, AnEarlierLifeIsRefused) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  SidecarHost& peer = world.add_sidecar("chat", "peer");
  world.settle(5 * kSecondUs);
  RawClient ghost(world, sidecar.link_address());
  ghost.send(hello("chat", "peer", peer.epoch() - 1));
  world.run_for(kSoon);
  EXPECT_EQ(cuts(sidecar, CutReason::kStaleEpoch), 1U);
  EXPECT_TRUE(ghost.closed());
  EXPECT_EQ(sidecar.status().links.at(0).state, "linked") << "the present life is not disturbed";
}

TEST_F(HandshakeTest, TwoSidecarsWithOneIdDoNotLink) {
  World world({});
  SidecarHost& a = world.add_sidecar("chat", "twin");
  SidecarHost& b = world.add_sidecar("chat", "twin");
  b.crash(false);
  b.start();  // another epoch than its twin's
  world.run_for(2 * kSecondUs);
  EXPECT_GT(cuts(a, CutReason::kDuplicateLink) + cuts(b, CutReason::kDuplicateLink), 0U);
  EXPECT_TRUE(a.links().empty());
}

TEST_F(HandshakeTest, SilenceEndsAHandshake) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  RawClient silent_peer(world, sidecar.link_address());
  RawClient silent_app(world, sidecar.app_address(), sidecar.host());
  world.run_for(4 * kSecondUs);
  EXPECT_TRUE(silent_peer.closed());
  EXPECT_TRUE(silent_app.closed());
  EXPECT_EQ(cuts(sidecar, CutReason::kHandshakeTimeout), 2U);
}

TEST_F(HandshakeTest, APeerThatFallsSilentIsCutAndDialledAgain) {
  World world({});
  SidecarHost& a = world.add_sidecar();
  SidecarHost& b = world.add_sidecar();
  world.settle(5 * kSecondUs);
  ASSERT_TRUE(world.network().forget_one());
  world.run_for(4 * kSecondUs);
  EXPECT_GE(cuts(a, CutReason::kIdleTimeout) + cuts(b, CutReason::kIdleTimeout), 1U);
  world.settle(5 * kSecondUs);
}

}  // namespace
}  // namespace socketmesh::sim

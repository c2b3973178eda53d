// When a node wants to be woken: in time, and not more often for more peers.
#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

using node::kNever;
using node::Node;

class Deadlines : public ::testing::Test {
 protected:
  static node::NodeConfig config() {
    node::NodeConfig config;
    config.mesh = "chat";
    config.sidecar_id = "a";
    config.epoch = 1;
    return config;
  }

  std::uint64_t timeouts() const {
    return node_.counters().cuts.at(static_cast<std::size_t>(node::CutReason::kHandshakeTimeout));
  }

  const node::Limits limits_;
  Node node_{config(), 0};
};

TEST_F(Deadlines, NothingToWaitForIsNever) {
  EXPECT_EQ(node_.next_deadline(), kNever);
  node_.tick(kSecondUs);
  EXPECT_EQ(node_.next_deadline(), kNever);
}

TEST_F(Deadlines, TheEarliestOfSeveralComesFirst) {
  node_.app_opened(1, 0);
  node_.link_opened(2, "", "remote", 50'000);
  node_.app_opened(3, 70'000);
  EXPECT_EQ(node_.next_deadline(), limits_.handshake_timeout);
  node_.tick(node_.next_deadline());
  EXPECT_EQ(timeouts(), 1U);
  EXPECT_EQ(node_.next_deadline(), 50'000 + limits_.handshake_timeout);
}

TEST_F(Deadlines, ThatAreCloseTogetherShareATick) {
  node_.app_opened(1, 1);
  node_.app_opened(2, 9'000);
  node_.app_opened(3, 10'001);
  node_.tick(node_.next_deadline());
  EXPECT_EQ(timeouts(), 2U);
  node_.tick(node_.next_deadline());
  EXPECT_EQ(timeouts(), 3U);
  EXPECT_EQ(node_.next_deadline(), kNever);
}

TEST_F(Deadlines, OneThatIsGoneWakesOnceAtMost) {
  node_.app_opened(1, 0);
  node_.app_opened(2, 200'000);
  node_.closed(1, 300'000);
  if (node_.next_deadline() < 200'000 + limits_.handshake_timeout)
    node_.tick(node_.next_deadline());
  EXPECT_EQ(node_.next_deadline(), 200'000 + limits_.handshake_timeout);
  EXPECT_EQ(timeouts(), 0U);
}

TEST_F(Deadlines, AnAddressIsDialledInTime) {
  const std::vector<std::string> addresses{"b:1"};
  node_.set_addresses(addresses, 5);
  EXPECT_EQ(node_.next_deadline(), 5);
  node_.tick(5);
  ASSERT_EQ(node_.take_actions().size(), 1U);
  EXPECT_EQ(node_.next_deadline(), kNever);
  node_.dial_failed("b:1", "refused", 1000);
  EXPECT_GT(node_.next_deadline(), 1000);
  EXPECT_LE(node_.next_deadline(), 1000 + limits_.redial_min);
}

class Ticks : public MeshTest {};

// A ping to each peer and to the app a second, and what they are answered with.
TEST_F(Ticks, AreFewAtRest) {
  WorldOptions options;
  options.seed = 3;
  World world(options);
  for (int i = 0; i < 5; ++i) world.add_app(world.add_sidecar());
  world.run_for(kSecondUs);
  constexpr int kSeconds = 10;
  constexpr std::uint64_t kDeadlinesASecond = 5;  // four peers, an app
  std::vector<std::uint64_t> before;
  for (SidecarHost* sidecar : world.running()) before.push_back(sidecar->ticks());
  world.run_for(kSeconds * kSecondUs);
  std::size_t i = 0;
  for (SidecarHost* sidecar : world.running()) {
    EXPECT_LE(sidecar->ticks() - before.at(i), 2 * kDeadlinesASecond * kSeconds) << sidecar->id();
    EXPECT_GE(sidecar->ticks() - before.at(i), static_cast<std::uint64_t>(kSeconds));
    ++i;
  }
}

}  // namespace
}  // namespace socketmesh::sim

// What apps say to the discovery port, and how it answers.
#include <gmock/gmock.h>

#include "sidecar/dropin/wire/messages.hpp"
#include "tests/sidecar/dropin/dropin_fixture.hpp"

namespace socketmesh::dropin {
namespace {

using nlohmann::json;

class DiscoveryTest : public DropInTest {
 protected:
  static std::string packed(const json& value) {
    const auto bytes = json::to_msgpack(value);
    return {bytes.begin(), bytes.end()};
  }
  static std::string registration(const std::string& id, const std::string& address) {
    return packed({{"type", "register"}, {"serverId", id}, {"address", address}});
  }
  // What becomes of a connection that says this first.
  std::optional<std::uint16_t> after(const std::string& message, bool text = false) {
    AppSocket& app = host.discovery();
    app.send(message, text);
    world.run();
    if (!app.closed) app.break_off();
    return app.close_code;
  }
  TestHost& host = world.add("a");
};

TEST_F(DiscoveryTest, RegisteringIsAnsweredByTheWholeRoster) {
  AppSocket& one = host.app(kV2a, 3001);
  EXPECT_EQ(one.last_update()["type"], "update");
  EXPECT_EQ(one.roster(), (std::map<std::string, std::string>{{kV2a, "ws://localhost:3001"}}));
  AppSocket& two = host.app(kV2b, 3002);
  EXPECT_EQ(two.roster().size(), 2U);
  EXPECT_EQ(one.roster(), two.roster()) << "all are told after each change";
  EXPECT_EQ(one.messages.size(), 2U);
  two.send_close(1000);
  world.run();
  EXPECT_EQ(two.close_code, 1000);
  EXPECT_EQ(one.roster().size(), 1U);
}

TEST_F(DiscoveryTest, AnotherTokenIsUnauthorized) {
  host.core().set_token("secret");
  EXPECT_EQ(after(registration(kV2a, "ws://a:1")), 4401);
  EXPECT_EQ(host.app(kV2a, 3001, "secre").close_code, 4401);
  EXPECT_EQ(host.app(kV2a, 3001, "secret!").close_code, 4401);
  EXPECT_EQ(host.app(kV2a, 3001, "secret").roster().size(), 1U);
  EXPECT_EQ(host.cut_for(CutReason::kUnauthorized), 3U);
}

TEST_F(DiscoveryTest, HostileBytesEndTheirConnectionAlone) {
  AppSocket& good = host.app(kV2a, 3001);
  EXPECT_EQ(after("\x01not a map"), ws::kBadPayload);
  EXPECT_EQ(after(packed(json::array({1}))), ws::kBadPayload);
  EXPECT_EQ(after(packed({{"type", "register"}})), ws::kBadPayload);
  EXPECT_EQ(after("text", true), ws::kBadPayload);
  EXPECT_EQ(after(registration("nobody", "ws://a:1")), ws::kPolicy);
  EXPECT_EQ(after(registration(kV2b, "http://a:1")), ws::kPolicy);
  EXPECT_EQ(after(packed({{"type", "of a later version"}})), std::nullopt);
  EXPECT_EQ(after(std::string(kMessageHeadBytesMax, '\xc0')), ws::kBadPayload);
  EXPECT_EQ(after(std::string(kMessageHeadBytesMax + 1, '\xc0')), ws::kTooBig);
  AppSocket& unmasked = host.discovery();
  unmasked.send_raw({0x82, 0x01, 0x00});
  world.run();
  EXPECT_EQ(unmasked.close_code, ws::kProtocolError);
  EXPECT_FALSE(good.closed);
  EXPECT_EQ(good.roster().size(), 1U);
}

TEST_F(DiscoveryTest, AClientThatMissedAPingIsCut) {
  AppSocket& app = host.app(kV2a, 3001);
  world.advance(kPingInterval + kSecondUs);
  EXPECT_EQ(app.pings, 1U);
  app.pongs = false;
  host.ports.clear();
  world.advance(kPingInterval);
  EXPECT_EQ(app.pings, 2U);
  EXPECT_FALSE(app.closed);
  world.advance(kPingInterval);
  EXPECT_TRUE(app.closed);
  EXPECT_EQ(host.cut_for(CutReason::kNoPong), 1U);
  EXPECT_TRUE(host.core().status().servers.empty());
}

TEST_F(DiscoveryTest, AServerMayRegisterOnAnotherConnection) {
  AppSocket& before = host.app(kV2a, 3001);
  AppSocket& witness = host.app(kV2b, 3002);
  const std::size_t told = witness.messages.size();
  AppSocket& after = host.app(kV2a, 3001);
  EXPECT_EQ(before.close_code, ws::kGoingAway);
  before.break_off();
  world.advance(10 * kSecondUs);
  EXPECT_EQ(after.roster().size(), 2U);
  EXPECT_EQ(witness.messages.size(), told) << "nothing changed";
}

TEST_F(DiscoveryTest, ServersAndConnectionsHaveLimits) {
  const auto id = [](std::size_t number) {
    std::string text = std::to_string(number);
    return std::string(16 - text.size(), '0') + text;
  };
  for (std::size_t i = 0; i < kServersMax; ++i)
    EXPECT_FALSE(host.app(id(i), 3000 + int(i)).closed) << i;
  EXPECT_EQ(host.app(id(kServersMax), 9000).close_code, ws::kTryAgain);
  std::size_t open = kServersMax;
  while (open < kDiscoveryConnectionsMax + 1) {
    AppSocket& app = host.discovery();
    ++open;
    EXPECT_EQ(app.closed, open > kDiscoveryConnectionsMax) << open;
  }
}

TEST_F(DiscoveryTest, AClientThatDoesNotReadIsCut) {
  AppSocket& app = host.app(kV2a, 3001);
  app.reads = false;
  for (int i = 0; i < 60'000 && !app.closed; ++i) {
    AppSocket& other = host.app(kV2b, 3002);
    other.send_close(1000);
    world.run();
    if (i % 1000 == 0) world.advance(1);
  }
  EXPECT_TRUE(app.closed);
  EXPECT_EQ(host.cut_for(CutReason::kNotRead), 1U);
}

TEST_F(DiscoveryTest, WebPagesAndOtherHttpAreTurnedAway) {
  AppSocket& page = host.tunnel(kV2a);
  EXPECT_EQ(page.status(), 404);
  AppSocket& app = host.discovery();
  EXPECT_EQ(app.status(), 101);
}

TEST_F(DiscoveryTest, AConnectionThatSaysNothingIsCut) {
  host.core().discovery_opened(1000, world.now);
  world.advance(kUpgradeTimeout - 1);
  EXPECT_EQ(host.cut_for(CutReason::kBadRequest), 0U);
  world.advance(1);
  EXPECT_EQ(host.cut_for(CutReason::kBadRequest), 1U);
}

}  // namespace
}  // namespace socketmesh::dropin

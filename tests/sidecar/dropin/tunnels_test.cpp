// Connections between apps through two sidecars: from the first byte to the last.
#include <random>

#include "sidecar/dropin/wire/peer_frames.hpp"
#include "tests/sidecar/dropin/dropin_fixture.hpp"

namespace socketmesh::dropin {
namespace {

class TunnelTest : public DropInTest {
 protected:
  static std::string hello(const std::string& uid, const std::string& address) {
    const auto bytes = nlohmann::json::to_msgpack({{"uid", uid}, {"address", address}});
    return '\0' + std::string(bytes.begin(), bytes.end());
  }
  Pair pair{world};
};

TEST_F(TunnelTest, MessagesPassBothWaysAsTheyAre) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  ASSERT_EQ(dialler.status(), 101);
  AppSocket& acceptor = *pair.b.accepted.at(0);
  dialler.send("\1first");
  dialler.send("");
  dialler.send("words", true);
  acceptor.send(std::string(100'000, 'x'));
  world.run();
  EXPECT_EQ(acceptor.messages, (std::vector<std::string>{"\1first", "", "words"}));
  EXPECT_EQ(dialler.messages, (std::vector<std::string>{std::string(100'000, 'x')}));
  EXPECT_EQ(pair.a.core().counters().messages_in, 3U);
  EXPECT_EQ(pair.b.core().counters().messages_out, 3U);
  EXPECT_EQ(pair.a.core().counters().bytes_out, 100'000U);
}

TEST_F(TunnelTest, OnlyTheAddressInAHelloIsRewritten) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  AppSocket& acceptor = *pair.b.accepted.at(0);
  dialler.send(hello(kV2a, "ws://localhost:3001"));
  dialler.send(hello(kV2a, "ws://a second one:1"));
  world.run();
  ASSERT_EQ(acceptor.messages.size(), 2U);
  EXPECT_EQ(acceptor.messages[0], hello(kV2a, pair.app_b.roster().at(kV2a)));
  EXPECT_EQ(acceptor.messages[1], hello(kV2a, "ws://a second one:1"));
  EXPECT_EQ(pair.b.core().counters().hellos_rewritten, 1U);
}

TEST_F(TunnelTest, AHelloHasALimitAndAMalformedOneIsTheAppsToJudge) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  const std::string malformed = '\0' + std::string(kMessageHeadBytesMax - 1, 'x');
  dialler.send(malformed);
  world.run();
  EXPECT_EQ(pair.b.accepted.at(0)->messages.at(0), malformed);
  AppSocket& other = pair.a.tunnel(kV2b);
  other.send('\0' + std::string(kMessageHeadBytesMax, 'x'));
  world.run();
  EXPECT_EQ(other.close_code, ws::kGoingAway);
  EXPECT_EQ(pair.b.accepted.at(1)->close_code, ws::kGoingAway);
  EXPECT_EQ(pair.b.closed_for(CloseReason::kBadHello), 1U);
}

TEST_F(TunnelTest, WhatCannotBeReachedIsRefusedBeforeItOpens) {
  EXPECT_EQ(pair.a.tunnel("00000000000000ff").status(), 404);
  EXPECT_EQ(pair.a.tunnel(kV2a).status(), 404) << "an own server is not carried";
  pair.b.ports.erase(3002);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 502);
  world.lose(pair.a, pair.b);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 503);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kDialFailed), 1U);
  EXPECT_TRUE(pair.a.core().status().tunnels.empty());
  EXPECT_TRUE(pair.b.core().status().tunnels.empty());
}

TEST_F(TunnelTest, AFarAppThatDoesNotAnswerIsGivenUp) {
  // It accepts, and says nothing.
  pair.b.core().take_actions();
  AppSocket* dialler = nullptr;
  {
    // The far sidecar hears of it only after its patience.
    world.linked.clear();
    world.linked.insert({&pair.a, &pair.b});
    dialler = &pair.a.tunnel(kV2b);
  }
  EXPECT_EQ(dialler->status(), 0);
  world.advance(kOpenTimeout);
  EXPECT_EQ(dialler->status(), 504);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kTimeout), 1U);
}

TEST_F(TunnelTest, CloseFollowsWhatWasSaidWithCodeAndAbnormalEndsStayAbnormal) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  dialler.send("last words");
  dialler.send_close(4000);
  world.run();
  AppSocket& acceptor = *pair.b.accepted.at(0);
  EXPECT_EQ(acceptor.messages, (std::vector<std::string>{"last words"}));
  EXPECT_EQ(acceptor.close_code, 4000);
  EXPECT_EQ(dialler.close_code, 4000);
  AppSocket& other = pair.a.tunnel(kV2b);
  other.send("and then");
  other.break_off();
  world.run();
  EXPECT_EQ(pair.b.accepted.at(1)->messages.size(), 1U);
  EXPECT_TRUE(pair.b.accepted.at(1)->closed);
  EXPECT_EQ(pair.b.accepted.at(1)->close_code, std::nullopt) << "no close frame, no clean end";
  EXPECT_EQ(pair.b.closed_for(CloseReason::kAppClosed), 1U);
  EXPECT_EQ(pair.b.closed_for(CloseReason::kAppLost), 1U);
}

TEST_F(TunnelTest, HostileBytesEndTheirTunnelAlone) {
  AppSocket& good = pair.a.tunnel(kV2b);
  AppSocket& bad = pair.a.tunnel(kV2b);
  bad.send("fine");
  bad.send_raw({0x83, 0x80, 0, 0, 0, 0});
  world.run();
  EXPECT_EQ(bad.close_code, ws::kProtocolError);
  EXPECT_EQ(pair.b.accepted.at(1)->messages.size(), 1U);
  EXPECT_EQ(pair.b.accepted.at(1)->close_code, ws::kProtocolError);
  good.send("still here");
  world.run();
  EXPECT_EQ(pair.b.accepted.at(0)->messages.size(), 1U);
}

TEST_F(TunnelTest, AMessageMayBeSixteenMebibytesAndItsHeadAndNoMore) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  AppSocket& acceptor = *pair.b.accepted.at(0);
  dialler.send(std::string(kMessageBytesMax, 'x'));
  world.run();
  ASSERT_EQ(acceptor.messages.size(), 1U);
  EXPECT_EQ(acceptor.messages[0].size(), kMessageBytesMax);
  dialler.send(std::string(kMessageBytesMax + 1, 'x'));
  world.run();
  EXPECT_EQ(dialler.close_code, ws::kTooBig);
  EXPECT_EQ(acceptor.close_code, ws::kTooBig);
  EXPECT_EQ(acceptor.messages.size(), 1U);
}

TEST_F(TunnelTest, TunnelsWithAPeerHaveALimit) {
  for (std::size_t i = 0; i < kTunnelsPerPeerMax; ++i)
    ASSERT_EQ(pair.a.tunnel(kV2b).status(), 101) << i;
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 503);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kLimit), 1U);
  // The far side does not take the word of this one.
  const auto open = peer::open({1'000'000, kV2b});
  world.wires[{&pair.a, &pair.b}].push_back(as_text(open));
  world.run();
  EXPECT_EQ(pair.b.closed_for(CloseReason::kLimit), 1U);
}

TEST_F(TunnelTest, TunnelsOfASidecarHaveALimit) {
  const auto id = [](std::size_t number) {
    std::string text = std::to_string(number);
    return std::string(16 - text.size(), 'c') + text;
  };
  static_assert(kTunnelsMax % kTunnelsPerPeerMax == 0);
  const std::size_t peers = kTunnelsMax / kTunnelsPerPeerMax;
  for (std::size_t i = 0; i <= peers; ++i) {
    TestHost& far = world.add("far" + std::to_string(i));
    world.link(pair.a, far);
    far.app(id(i), 3002);
  }
  for (std::size_t i = 0; i < kTunnelsMax; ++i)
    ASSERT_EQ(pair.a.tunnel(id(i / kTunnelsPerPeerMax)).status(), 101) << i;
  EXPECT_EQ(pair.a.tunnel(id(peers)).status(), 503);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kLimit), 1U);
  // Nor does it take one from a peer with which it has none.
  pair.b.tunnel(kV2a);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kLimit), 2U);
  EXPECT_EQ(pair.a.core().status().tunnels.size(), kTunnelsMax);
}

TEST_F(TunnelTest, ConnectionsToTheTunnelPortHaveALimit) {
  AppSocket& good = pair.a.tunnel(kV2b);
  const std::size_t idle = kTunnelConnectionsMax - 1;
  const ConnId first = 100'000;
  for (ConnId id = first; id < first + idle; ++id) pair.a.core().tunnel_opened(id, world.now);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kLimit), 0U);
  pair.a.core().tunnel_opened(first + idle, world.now);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kLimit), 1U);
  world.advance(kUpgradeTimeout);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 101) << "those that say nothing are cut";
  EXPECT_FALSE(good.closed);
}

TEST_F(TunnelTest, ALostLinkIsWaitedForThenBothEndsClose) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  AppSocket& acceptor = *pair.b.accepted.at(0);
  world.lose(pair.a, pair.b);
  dialler.send("during");
  acceptor.send("during");
  world.advance(2 * kSecondUs);
  world.link(pair.a, pair.b, false);
  EXPECT_EQ(acceptor.messages, (std::vector<std::string>{"during"}));
  EXPECT_EQ(dialler.messages, (std::vector<std::string>{"during"}));
  world.lose(pair.a, pair.b);
  world.advance(3 * kSecondUs);
  EXPECT_EQ(dialler.close_code, ws::kGoingAway);
  EXPECT_EQ(acceptor.close_code, ws::kGoingAway);
  EXPECT_EQ(pair.a.closed_for(CloseReason::kLinkLost), 1U);
  EXPECT_EQ(pair.b.closed_for(CloseReason::kLinkLost), 1U);
}

TEST_F(TunnelTest, AStreamThatBeginsAnewOnOneSideEndsTunnelsOnBoth) {
  for (const bool forth : {true, false}) {
    AppSocket& dialler = pair.a.tunnel(kV2b);
    AppSocket& acceptor = *pair.b.accepted.back();
    forth ? world.start_stream(pair.a, pair.b) : world.start_stream(pair.b, pair.a);
    // One that is opened before the word of it has come.
    AppSocket& crossing = pair.a.tunnel(kV2b);
    world.run();
    EXPECT_EQ(dialler.close_code, ws::kGoingAway);
    EXPECT_EQ(acceptor.close_code, ws::kGoingAway);
    EXPECT_EQ(crossing.status() == 101, !crossing.closed) << "it lives, or it is closed";
    EXPECT_EQ(pair.a.core().status().tunnels.size(), pair.b.core().status().tunnels.size());
    EXPECT_EQ(pair.app_a.roster().size(), 2U);
    if (!crossing.closed) crossing.break_off();
    world.run();
  }
}

TEST_F(TunnelTest, APeersSidecarThatDiesEndsItsTunnels) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  pair.b.restart();
  world.link(pair.a, pair.b);
  EXPECT_EQ(dialler.close_code, ws::kGoingAway);
  pair.b.app(kV2b, 3002);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 101);
}

TEST_F(TunnelTest, LeavingEndsAllInOrder) {
  AppSocket& dialler = pair.a.tunnel(kV2b);
  pair.a.core().leave(world.now);
  world.run();
  EXPECT_EQ(dialler.close_code, ws::kGoingAway);
  EXPECT_EQ(pair.b.accepted.at(0)->close_code, ws::kGoingAway);
  EXPECT_EQ(pair.app_a.close_code, ws::kGoingAway);
  EXPECT_EQ(pair.a.tunnel(kV2b).status(), 503);
}

// Many tunnels, messages of every size, links that come and go, apps that read when they like: each
// message arrives once, in order, as it was.
TEST_F(TunnelTest, NothingIsLostDoubledOrReordered) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    const std::size_t first = pair.b.accepted.size();
    std::vector<AppSocket*> diallers;
    for (int i = 0; i < 5; ++i) diallers.push_back(&pair.a.tunnel(kV2b));
    std::map<AppSocket*, std::vector<std::string>> sent;
    const auto far = [&](std::size_t i) { return pair.b.accepted.at(first + i); };
    bool up = true;
    for (int step = 0; step < 200; ++step) {
      const std::size_t i = below(diallers.size());
      AppSocket& from = below(2) == 0 ? *diallers[i] : *far(i);
      const std::size_t size = below(4) == 0 ? below(200'000) : below(300);
      // Never a hello: those are changed.
      std::string message = '\1' + std::string(size, static_cast<char>('a' + below(26)));
      message += std::to_string(step);
      if (!pair.a.core().paused(from.conn) && !pair.b.core().paused(from.conn)) {
        from.send(message);
        sent[&from].push_back(message);
      }
      AppSocket& reader = below(2) == 0 ? *diallers[below(5)] : *far(below(5));
      if (below(3) == 0) reader.reads = !reader.reads;
      if (below(20) == 0) {
        up ? world.lose(pair.a, pair.b) : world.link(pair.a, pair.b, false);
        up = !up;
      }
      pair.a.backlog_bytes = below(4) == 0 ? kLinkBacklogBytesMax + 1 : 0;
      if (below(3) == 0) world.run();
    }
    if (!up) world.link(pair.a, pair.b, false);
    pair.a.backlog_bytes = 0;
    for (std::size_t i = 0; i < diallers.size(); ++i) diallers[i]->reads = far(i)->reads = true;
    pair.a.settle();
    pair.b.settle();
    pair.a.settle();
    for (std::size_t i = 0; i < diallers.size(); ++i) {
      EXPECT_EQ(far(i)->messages, sent[diallers[i]]) << "seed " << seed;
      EXPECT_EQ(diallers[i]->messages, sent[far(i)]) << "seed " << seed;
      diallers[i]->break_off();
    }
    world.run();
    EXPECT_TRUE(pair.a.core().status().tunnels.empty());
    EXPECT_TRUE(pair.b.core().status().tunnels.empty());
  }
}

}  // namespace
}  // namespace socketmesh::dropin

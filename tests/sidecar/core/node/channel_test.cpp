// What the parts of a sidecar beside the mesh's own traffic can rely on between two of them.
#include "sidecar/core/node/channel.hpp"

#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

using node::Channel;
using node::ChannelEvent;
using Kind = ChannelEvent::Kind;

class ChannelTest : public MeshTest {
 protected:
  static WorldOptions with(std::uint32_t channels) {
    WorldOptions options;
    options.channels = channels;
    return options;
  }

  struct Pair {
    explicit Pair(std::uint32_t channels = node::channel_bit(Channel::kDropIn))
        : world(with(channels)), a(world.add_sidecar()), b(world.add_sidecar()) {
      world.settle(5 * kSecondUs);
    }
    void say(SidecarHost& from, const std::string& text) {
      from.node().channel_send(Channel::kDropIn, peer, as_bytes(text));
      from.touch();
    }
    // Events of one sidecar as text: "+" started, "^" linked, "-" lost, "x" gone, "=text".
    std::string events(SidecarHost& of) {
      node::ChannelEvents events;
      of.node().take_channel_events(events);
      std::string text;
      for (const ChannelEvent& event : events.list) {
        if (event.kind == Kind::kStarted) {
          peer = event.peer;
          peer_id = event.id;
        }
        text += event.kind == Kind::kStarted  ? "+"
                : event.kind == Kind::kLinked ? "^"
                : event.kind == Kind::kLost   ? "-"
                : event.kind == Kind::kGone   ? "x"
                                              : "=" + std::string(as_text(events.payload(event)));
      }
      return text;
    }
    World world;
    SidecarHost& a;
    SidecarHost& b;
    node::PeerKey peer = 0;
    std::string peer_id;
  };
};

TEST_F(ChannelTest, PayloadsArriveOnceAndInOrder) {
  Pair pair;
  EXPECT_EQ(pair.events(pair.b), "+^");
  EXPECT_EQ(pair.events(pair.a), "+^");
  EXPECT_EQ(pair.peer_id, pair.b.id());
  pair.say(pair.a, "one");
  pair.say(pair.a, "two");
  pair.world.run_for(kSoon);
  EXPECT_EQ(pair.events(pair.b), "=one=two");
  EXPECT_EQ(pair.a.node().channel_backlog(pair.peer), 0U);
}

TEST_F(ChannelTest, ALostConnectionLosesAndDoublesNothing) {
  Pair pair;
  pair.events(pair.b);
  pair.events(pair.a);
  for (int i = 0; i < 100; ++i) {
    pair.say(pair.a, std::to_string(i));
    pair.world.run_for(500);
    if (i % 10 == 5) pair.world.network().cut_between(pair.a.host(), pair.b.host());
  }
  pair.world.settle(5 * kSecondUs);
  const std::string said = pair.events(pair.b);
  std::string heard;
  for (const char c : said) {
    if (c != '-' && c != '^') heard += c;
  }
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += "=" + std::to_string(i);
  EXPECT_EQ(heard, expected);
  EXPECT_NE(said.find('-'), std::string::npos) << "the link was never lost: " << said;
  EXPECT_EQ(said.find('+'), std::string::npos) << "the stream goes on";
}

TEST_F(ChannelTest, ANewLifeOfThePeerBeginsAnew) {
  Pair pair;
  pair.events(pair.b);
  pair.events(pair.a);
  pair.b.crash(false);
  pair.world.run_for(kSoon);
  EXPECT_EQ(pair.events(pair.a), "-");
  EXPECT_EQ(pair.a.node().channel_backlog(pair.peer), SIZE_MAX);
  pair.say(pair.a, "void");
  pair.b.start();
  pair.world.settle(5 * kSecondUs);
  EXPECT_EQ(pair.events(pair.a), "+^");
  EXPECT_EQ(pair.events(pair.b), "+^") << "what was said before does not count any more";
}

TEST_F(ChannelTest, APeerThatLeavesOrStaysAwayIsGone) {
  Pair pair;
  pair.events(pair.a);
  pair.b.leave();
  pair.world.unlist(pair.b);
  // A young life's goodbye promises a return; it is waited for.
  ASSERT_TRUE(pair.world.run_until(40 * kSecondUs, [&] { return pair.a.status().links.empty(); }));
  EXPECT_EQ(pair.events(pair.a), "-x");
  pair.say(pair.a, "nobody hears it");
}

TEST_F(ChannelTest, OnlyPeersThatSpeakAChannelAreHeardOf) {
  Pair pair(0);
  EXPECT_EQ(pair.events(pair.a), "");
  World world(with(node::channel_bit(Channel::kRecovery)));
  SidecarHost& a = world.add_sidecar();
  world.add_sidecar();
  world.settle(5 * kSecondUs);
  node::ChannelEvents events;
  a.node().take_channel_events(events);
  ASSERT_FALSE(events.list.empty());
  EXPECT_EQ(events.list.front().channels, node::channel_bit(Channel::kRecovery));
}

TEST_F(ChannelTest, AMalformedChannelFrameCutsTheLink) {
  Pair pair;
  RawClient stranger(pair.world, pair.a.link_address());
  stranger.send(hello("chat", "zz-stranger", 1));
  pair.world.run_for(kSoon);
  Writer resume;
  resume.u8(1).u64(pair.a.epoch()).u32(0).u64(0).u64(0);
  stranger.send(frame(static_cast<std::uint8_t>(LinkType::kResume), resume.str()));
  const std::string empty = frame(0x50, "");
  Writer record;
  record.u8(0).u16(0).u32(1).u32(1).u64(1).u32(0).u64(0).u64(0).raw(empty);
  stranger.send(frame(static_cast<std::uint8_t>(LinkType::kRecord), record.str()));
  pair.world.run_for(kSoon);
  EXPECT_TRUE(stranger.closed());
  EXPECT_EQ(cuts(pair.a, node::CutReason::kBadFrame), 1U);
}

TEST_F(ChannelTest, SettledOnceEveryListedAddressIsLinked) {
  Pair pair;
  EXPECT_TRUE(pair.a.node().settled());
  std::vector<std::string> more = pair.world.addresses();
  more.emplace_back("10.0.0.250:7400");
  pair.a.set_addresses(more);
  pair.world.run_for(kSoon);
  EXPECT_FALSE(pair.a.node().settled());
}

}  // namespace
}  // namespace socketmesh::sim

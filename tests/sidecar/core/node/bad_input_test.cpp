// Broken, hostile or greedy apps and peers: that one connection is cut, counted by reason, and
// nobody else notices.
#include "tests/sidecar/core/node/mesh_fixture.hpp"

namespace socketmesh::sim {
namespace {

using node::CutReason;
constexpr auto kRefused = static_cast<std::uint8_t>(SidecarType::kRefused);
constexpr auto kWelcome = static_cast<std::uint8_t>(SidecarType::kWelcome);
enum Code : std::uint16_t { kVersion = 1, kMesh, kParser, kProtocol, kLimit, kLeaving, kDuplicate };

Attach attach_of(MemberId member) {
  Attach attach;
  attach.member = member;
  attach.name = "raw:1";
  attach.parser = "parser/1";
  return attach;
}

std::string ready_app(MemberId member) {
  return encode_attach(attach_of(member)) + encode_text(AppType::kNspOpen, "/") +
         encode_empty(AppType::kReady);
}

class BadInputTest : public MeshTest {
 protected:
  // A mesh at work, which must stay so.
  explicit BadInputTest(const WorldOptions& options = {})
      : world_(options),
        home_(world_.add_sidecar()),
        other_(world_.add_sidecar()),
        app_(world_.add_app(home_)),
        far_(world_.add_app(other_)) {
    world_.settle(5 * kSecondUs);
  }
  void TearDown() override {
    join(world_, far_, "alive");
    app_.publish(to_room("alive"));
    world_.run_for(kSoon);
    EXPECT_EQ(world_.ledger().owed(), 0U) << "the others go on";
    EXPECT_TRUE(app_.refusals().empty());
    EXPECT_EQ(home_.links().size(), 1U);
  }
  // What the sidecar answers to these bytes on a fresh app connection.
  std::uint16_t refusal_of(const std::string& bytes) {
    RawClient client(world_, home_.app_address(), home_.host());
    client.send(bytes);
    world_.run_for(kSoon);
    EXPECT_TRUE(client.closed());
    return client.code(kRefused);
  }
  // Whether the sidecar cuts a link connection at these bytes, sent behind a HELLO.
  bool link_is_cut_at(const std::string& bytes) {
    RawClient peer(world_, home_.link_address());
    peer.send(hello("chat", "raw", 1) + bytes);
    world_.run_for(kSoon);
    return peer.closed();
  }

  World world_;
  SidecarHost& home_;
  SidecarHost& other_;
  SimApp& app_;
  SimApp& far_;
};

TEST_F(BadInputTest, RefusalsOfAnAttachSayWhy) {
  Attach attach = attach_of(1);
  attach.min_version = 5;
  attach.max_version = 6;
  EXPECT_EQ(refusal_of(encode_attach(attach)), kVersion);
  attach = attach_of(1);
  attach.mesh = "games";
  EXPECT_EQ(refusal_of(encode_attach(attach)), kMesh);
  attach = attach_of(1);
  attach.parser = "msgpack";
  EXPECT_EQ(refusal_of(encode_attach(attach)), kParser);
}

TEST_F(BadInputTest, ProtocolErrorsOfAnApp) {
  Data data = to_room("x");
  data.origin = 1;
  data.seq = 1;
  EXPECT_EQ(refusal_of(encode_data(data)), kProtocol) << "DATA before ATTACH";
  EXPECT_EQ(refusal_of(ready_app(1) + frame(0x3f, "")), kProtocol) << "an unknown type";
  EXPECT_EQ(refusal_of(ready_app(1) + encode_attach(attach_of(1))), kProtocol) << "a second ATTACH";
  EXPECT_EQ(refusal_of(ready_app(1) + frame(0x05, "xy")), kProtocol) << "a short SYNC";
  EXPECT_EQ(refusal_of(ready_app(1) + encode_u64(AppType::kTaken, 5)), kProtocol)
      << "TAKEN of nothing";
  data.origin = 2;
  EXPECT_EQ(refusal_of(ready_app(1) + encode_data(data)), kProtocol) << "in another's name";
  EXPECT_EQ(cuts(home_, CutReason::kForeignOrigin), 1U);
  std::string torn = encode_data(data);
  torn[8] = '\x7f';  // a route longer than the frame
  EXPECT_EQ(refusal_of(ready_app(2) + torn), kProtocol);
}

TEST_F(BadInputTest, AnOversizedFrameCutsOnlyItsConnection) {
  const std::string huge = Writer().u32((20U << 20U) + 1).u8(0x40).take();
  EXPECT_EQ(refusal_of(ready_app(1) + huge), kLimit);
  EXPECT_TRUE(link_is_cut_at(Writer().u32(UINT32_MAX).u8(0x04).take()));
  EXPECT_EQ(cuts(home_, CutReason::kOversizedFrame), 2U);
}

TEST_F(BadInputTest, BrokenLinkFramesCutOnlyTheirConnection) {
  EXPECT_TRUE(link_is_cut_at(frame(0x77, "")));
  EXPECT_TRUE(link_is_cut_at(frame(0x02, "short")));
  EXPECT_TRUE(link_is_cut_at(hello("chat", "raw", 1))) << "HELLO twice";
  EXPECT_TRUE(link_is_cut_at(frame(0x05, std::string(20, '\0')))) << "ACK before RESUME";
  EXPECT_TRUE(link_is_cut_at(Writer().u32(0).take())) << "a frame without a type";
}

TEST_F(BadInputTest, TheSecondAttachmentOfAMemberReplacesTheFirst) {
  RawClient first(world_, home_.app_address(), home_.host());
  first.send(ready_app(7));
  world_.run_for(kSoon);
  RawClient second(world_, home_.app_address(), home_.host());
  second.send(ready_app(7));
  world_.run_for(kSoon);
  EXPECT_EQ(first.code(kRefused), kDuplicate);
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(second.count(kWelcome), 1U);
  EXPECT_FALSE(second.closed());
}

TEST_F(BadInputTest, LeaveIsAnnouncedByWhoeverMayAttach) {
  EXPECT_FALSE(home_.status().leaving);
  RawClient hook(world_, home_.app_address(), home_.host());
  hook.send(encode_empty(AppType::kLeave));
  world_.run_for(kSoon);
  EXPECT_TRUE(home_.status().leaving);
}

TEST_F(MeshTest, ALeavingSidecarTakesNoMember) {
  World world({});
  SidecarHost& sidecar = world.add_sidecar();
  RawClient client(world, sidecar.app_address(), sidecar.host());
  world.run_for(kSoon);
  sidecar.node().leave(world.now());
  client.send(encode_attach(attach_of(3)));
  world.run_for(kSoon);
  EXPECT_EQ(client.code(kRefused), kLeaving);
  EXPECT_TRUE(client.closed());
}

WorldOptions with(void (*change)(node::Limits&)) {
  WorldOptions options;
  change(options.limits);
  return options;
}

class InterestFloodTest : public BadInputTest {
 protected:
  InterestFloodTest()
      : BadInputTest(with([](node::Limits& limits) { limits.interest_entries = 100; })) {}
};

TEST_F(InterestFloodTest, OneRoomTooManyCutsTheMember) {
  std::vector<std::string> rooms;
  for (int i = 0; i < 101; ++i) rooms.push_back(std::to_string(i));
  EXPECT_EQ(refusal_of(ready_app(1) + encode_interest("/", true, rooms)), kLimit);
  EXPECT_EQ(cuts(home_, CutReason::kInterestFlood), 1U);
}

class MemberLimitTest : public BadInputTest {
 protected:
  MemberLimitTest() : BadInputTest(with([](node::Limits&) {})) {}
};

TEST_F(MemberLimitTest, OneMemberTooManyIsRefused) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (MemberId member = 2; member <= 256; ++member) {
    clients.push_back(std::make_unique<RawClient>(world_, home_.app_address(), home_.host()));
    clients.back()->send(ready_app(member));
  }
  world_.run_for(kSoon);
  for (const auto& client : clients) ASSERT_EQ(client->count(kWelcome), 1U);
  EXPECT_EQ(refusal_of(ready_app(257)), kLimit);
}

class UnderHandshakeLimitTest : public BadInputTest {
 protected:
  UnderHandshakeLimitTest()
      : BadInputTest(with([](node::Limits& limits) { limits.handshaking_connections = 10; })) {}
};

TEST_F(UnderHandshakeLimitTest, ManySilentConnectionsDoNotGrow) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 30; ++i)
    clients.push_back(std::make_unique<RawClient>(world_, home_.link_address()));
  world_.run_for(kSoon);
  std::size_t open = 0;
  for (const auto& client : clients) open += client->closed() ? 0 : 1;
  EXPECT_EQ(open, 10U);
  world_.run_for(4 * kSecondUs);
  EXPECT_EQ(cuts(home_, CutReason::kHandshakeTimeout), 10U);
}

}  // namespace
}  // namespace socketmesh::sim

// A home by itself. How homes, apps and clients play together is proven by the simulator
// (sim --recovery, sim --leaving).
#include "sidecar/core/recovery/home.hpp"

#include <gtest/gtest.h>

#include "tests/sim/recovery_app.hpp"

namespace socketmesh::recovery {
namespace {

constexpr wire::MemberId kMember = 1;
constexpr wire::MemberId kOrigin = 2;
constexpr std::uint8_t kLogged = 0x40;
constexpr TimeUs kWindow = 1000;
constexpr TimeUs kRepeat = 500;
constexpr std::size_t kOrigins = 4;
constexpr std::string_view kNsp = "/";

HomeLimits limits() {
  HomeLimits limits;
  limits.window = kWindow;
  limits.memory_bytes = 1U << 20U;
  limits.origins = kOrigins;
  limits.repeat = kRepeat;
  return limits;
}

std::string message(wire::MemberId origin, std::uint64_t seq) {
  sim::Data data;
  data.flags = kLogged;
  data.route = sim::Route::kNamespace;
  data.origin = origin;
  data.seq = seq;
  data.nsp = kNsp;
  data.body = "message.........";
  return sim::encode_data(data);
}

class HomeTest : public testing::Test {
 protected:
  void come(wire::MemberId origin, std::uint64_t seq) {
    home.arrived(sim::as_bytes(message(origin, seq)), now);
  }
  Session* open(std::string_view pid) {
    wire::recovery::SessionOp op;
    op.nsp = kNsp;
    op.sid = pid;
    op.pid = pid;
    return home.open(op, limits());
  }
  void close(Session& session) { home.close(session, {}, now, limits()); }
  void pass(TimeUs time) {
    now += time;
    home.expire(now, limits(), limits().memory_bytes);
  }
  Replay replay(Session& session, std::string_view offset) {
    return home.replay(session, offset, Home::kAll);
  }
  static std::string offset(wire::MemberId origin, std::uint64_t seq) {
    return sim::offset_of({origin, seq});
  }

  TimeUs now = 10'000;
  Home home{kMember, limits()};
};

TEST_F(HomeTest, AMessageThatComesAgainIsReplayedOnce) {
  Session* session = open("a");
  come(kOrigin, 1);
  come(kOrigin, 2);
  come(kOrigin, 2);
  come(kOrigin, 1);
  EXPECT_EQ(replay(*session, "").frames.size(), 2U);
}

TEST_F(HomeTest, OriginsAreForgottenWithTheirMessages) {
  for (std::uint64_t origin = kOrigin; origin < kOrigin + kOrigins; ++origin) come(origin, 1);
  EXPECT_EQ(home.seen().size(), kOrigins);
  pass(kWindow + kRepeat - 1);
  EXPECT_EQ(home.seen().size(), kOrigins);
  pass(1);
  EXPECT_TRUE(home.seen().empty());
}

TEST_F(HomeTest, AnOriginOverTheLimitIsAGap) {
  for (std::uint64_t origin = kOrigin; origin < kOrigin + kOrigins; ++origin) come(origin, 1);
  Session* before = open("before");
  EXPECT_EQ(replay(*before, "").result, Result::kRestored);
  come(kOrigin + kOrigins, 1);
  EXPECT_EQ(home.seen().size(), kOrigins);
  EXPECT_EQ(replay(*before, "").result, Result::kGap);
  Session* behind = open("behind");
  come(kOrigin, 2);
  EXPECT_EQ(replay(*behind, "").frames.size(), 1U);
}

// The offset that a session was restored from stays the last one written to it, when nothing was
// replayed.
TEST_F(HomeTest, AnIdleSessionThatWasRestoredIsValidHoweverOldItsLastMessageIs) {
  Session* session = open("a");
  come(kOrigin, 1);
  const std::string last = offset(kOrigin, 1);
  home.carry(*session, last, {}, {}, home.log().end(), now);
  for (int i = 0; i < 4; ++i) {
    pass(kWindow / 2);
    come(kOrigin, 2 + static_cast<std::uint64_t>(i));
    home.all_written();
  }
  close(*session);
  come(kOrigin, 9);
  const Replay replayed = replay(*session, last);
  EXPECT_EQ(replayed.result, Result::kRestored);
  EXPECT_EQ(replayed.frames.size(), 1U);
}

// What is known of a former home's origins is of use only as long as something of then can come.
TEST_F(HomeTest, MarksOfAFormerHomeAreForgotten) {
  Session* session = open("a");
  home.carry(*session, "", {}, {{kOrigin, 5}}, home.log().end(), now);
  EXPECT_TRUE(session->marked({kOrigin, 5}));
  pass(kWindow + kRepeat - 1);
  EXPECT_FALSE(session->marks.empty());
  pass(1);
  EXPECT_TRUE(session->marks.empty());
}

TEST_F(HomeTest, ALentSessionExpiresAsAnyOther) {
  Session* session = open("a");
  close(*session);
  session->lease = 7;
  pass(kWindow - 1);
  EXPECT_NE(home.find(kNsp, "a"), nullptr);
  pass(1);
  EXPECT_EQ(home.find(kNsp, "a"), nullptr);
}

// What a leaving home had to forget while its sessions were on their way has a position all the
// same.
TEST_F(HomeTest, ATakenOverLogKeepsItsPositions) {
  home.begin_adoption(100);
  wire::recovery::AdoptSession said;
  said.nsp = kNsp;
  said.sid = said.pid = "a";
  said.left_us = kWindow;
  said.start = said.last_position = 104;
  ASSERT_NE(home.adopt(said, now, limits()), nullptr);
  for (std::uint64_t at = 103; at < 106; ++at) {
    home.adopt_from(at);
    const std::string frame = message(kOrigin, at);
    home.adopt_entry({0, sim::as_bytes(frame)}, now);
  }
  home.end_adoption({}, now);
  EXPECT_EQ(home.log().head(), 103U);
  EXPECT_EQ(home.log().end(), 106U);
  EXPECT_EQ(replay(*home.find(kNsp, "a"), "").frames.size(), 2U);
}

TEST_F(HomeTest, ATakenOverLogThatIsEmptyByNowHasItsPosition) {
  home.begin_adoption(100);
  home.adopt_from(120);
  come(kOrigin, 1);
  home.end_adoption({}, now);
  EXPECT_EQ(home.log().head(), 120U);
  EXPECT_EQ(home.log().end(), 121U);
}

}  // namespace
}  // namespace socketmesh::recovery

// A home by itself. How homes, apps and clients play together is proven by the simulator
// (sim --recovery, sim --leaving).
#include "sidecar/core/recovery/home.hpp"

#include <gtest/gtest.h>

#include "tests/sim/recovery_app.hpp"

namespace socketmesh::recovery {
namespace {

constexpr wire::MemberId kMember = 1;
constexpr wire::MemberId kOrigin = 2;
// As it is read of a frame: ids lie there as they are printed.
constexpr wire::MemberId kRead = __builtin_bswap64(kOrigin);
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

sim::Data data_of(wire::MemberId origin, std::uint64_t seq) {
  sim::Data data;
  data.flags = kLogged;
  data.route = sim::Route::kNamespace;
  data.origin = origin;
  data.seq = seq;
  data.nsp = kNsp;
  return data;
}

std::string message(wire::MemberId origin, std::uint64_t seq) {
  sim::Data data = data_of(origin, seq);
  data.body = "message.........";
  return sim::encode_data(data);
}

// One of so many bytes in all.
std::string message_of(std::size_t bytes, std::uint64_t seq) {
  sim::Data data = data_of(kOrigin, seq);
  data.body = std::string(bytes - sim::encode_data(data).size(), 'x');
  return sim::encode_data(data);
}

std::vector<wire::Buffer> one_frame(std::size_t bytes, std::uint64_t seq) {
  const std::string frame = message_of(bytes, seq);
  return {wire::Buffer(frame.begin(), frame.end())};
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
    return home.open(op, now, limits());
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

// Its member remembers what it delivers from that position on, and gives the client that too.
TEST_F(HomeTest, WhatItsMemberDeliveredSinceItWasAskedProvesNothing) {
  Session* session = open("a");
  come(kOrigin, 1);
  const Position asked = home.log().end();
  come(kOrigin, 2);
  EXPECT_EQ(home.replay(*session, offset(kOrigin, 1), asked).result, Result::kRestored);
  EXPECT_EQ(home.replay(*session, offset(kOrigin, 2), asked).result, Result::kUnprovable);
  EXPECT_EQ(replay(*session, offset(kOrigin, 2)).result, Result::kRestored) << "by another member";
}

// A sidecar that is new to a socket knows its last message and its marks, and no message before.
TEST_F(HomeTest, ASessionThatIsToldAgainBeginsThere) {
  come(kOrigin, 1);
  wire::recovery::SessionOp op;
  op.nsp = kNsp;
  op.sid = op.pid = "a";
  op.generation = 3;
  op.marks = {{kRead, 3}};
  const std::string last = offset(kOrigin, 2);
  op.last = last;
  Session* session = home.open(op, now, limits());
  come(kOrigin, 3);
  come(kOrigin, 4);
  EXPECT_EQ(session->generation, 3U);
  EXPECT_EQ(replay(*session, last).frames.size(), 1U) << "but for what the marks name";
  EXPECT_EQ(replay(*session, "").result, Result::kUnknownOffset) << "2 was written to it";
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kUnknownOffset);
  EXPECT_EQ(replay(*session, offset(kOrigin, 4)).frames.size(), 0U);
}

TEST_F(HomeTest, ASessionThatIsToldAgainHereForgetsWhatWasBefore) {
  Session* session = open("a");
  come(kOrigin, 1);
  home.carry(*session, "", {}, {}, 0, now);
  session->state = Session::State::kLive;
  open("a");
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kUnknownOffset);
  come(kOrigin, 2);
  EXPECT_EQ(replay(*session, "").frames.size(), 1U);
}

TEST_F(HomeTest, WhatBearsTheOrderOfAnEarlierAttachmentIsStale) {
  const std::string order = sim::Writer().u16(2).u32(0).u16(0).take();
  EXPECT_TRUE(home.is_stale(sim::as_bytes(order))) << "nobody is attached";
  home.attach(2, {}, now);
  EXPECT_FALSE(home.is_stale(sim::as_bytes(order)));
  home.attach(3, {}, now);
  EXPECT_TRUE(home.is_stale(sim::as_bytes(order)));
}

// Messages that came here and not to the home that a session comes from.
TEST_F(HomeTest, KnowsWhatItHadMore) {
  Session* session = open("a");
  come(kOrigin, 1);
  come(kOrigin, 2);
  EXPECT_TRUE(home.had_more(*session, kRead, {{kRead, 1}}, home.log().end()));
  EXPECT_TRUE(home.had_more(*session, kRead, {}, home.log().end()));
  EXPECT_FALSE(home.had_more(*session, kRead, {{kRead, 2}}, home.log().end()));
  EXPECT_FALSE(home.had_more(*session, kRead, {{kRead, 1}}, home.log().end() - 1));
  EXPECT_FALSE(home.had_more(*session, kRead + 1, {}, home.log().end()));
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

TEST_F(HomeTest, AReplayOverItsLimitIsRefused) {
  constexpr std::size_t kPiece = 1U << 20U;
  constexpr std::size_t kPieces = kReplayBytesMax / kPiece;
  Session* more = open("more");
  home.arrived(sim::as_bytes(message_of(100, 1)), now);
  Session* exact = open("exact");
  for (std::uint64_t i = 0; i < kPieces; ++i)
    home.arrived(sim::as_bytes(message_of(kPiece, 2 + i)), now);
  EXPECT_EQ(replay(*exact, "").result, Result::kRestored);
  EXPECT_EQ(replay(*exact, "").frames.size(), kPieces);
  EXPECT_EQ(replay(*more, "").result, Result::kLimit);
  // Who has some of it is within the limit again.
  EXPECT_EQ(replay(*more, offset(kOrigin, 1)).result, Result::kRestored);
}

// Half of the memory is for what sessions were given; the oldest makes room, and can't prove its
// beginning any more.
TEST_F(HomeTest, CarriedReplaysMakeRoomForOthers) {
  const std::size_t most = limits().memory_bytes / 2;
  Session* first = open("first");
  home.carry(*first, offset(kOrigin, 1), one_frame(most - 1000, 2), {}, home.log().end(), now);
  come(kOrigin, 3);
  EXPECT_TRUE(home.make_room(1000));
  EXPECT_EQ(replay(*first, offset(kOrigin, 1)).frames.size(), 2U);
  EXPECT_TRUE(home.make_room(1001));
  EXPECT_NE(replay(*first, offset(kOrigin, 1)).result, Result::kRestored);
  EXPECT_NE(replay(*first, offset(kOrigin, 2)).result, Result::kRestored);
  EXPECT_EQ(replay(*first, offset(kOrigin, 3)).result, Result::kRestored);
}

TEST_F(HomeTest, AReplayThatIsBeingWrittenMakesNoRoom) {
  const std::size_t most = limits().memory_bytes / 2;
  Session* session = open("a");
  home.carry(*session, "", one_frame(most, 1), {}, home.log().end(), now);
  session->state = Session::State::kRestoring;
  EXPECT_TRUE(home.make_room(0));
  EXPECT_FALSE(home.make_room(1));
  come(kOrigin, 2);
  pass(kWindow + 1);
  EXPECT_EQ(session->carried.size(), 1U);
  session->state = Session::State::kLive;
  EXPECT_TRUE(home.make_room(1));
  EXPECT_TRUE(session->carried.empty());
}

// ---- what a session gets (RECOVERY.md 1 to 5) ---------------------------------------------------

class RoomsTest : public HomeTest {
 protected:
  void say(std::uint64_t seq, const std::vector<std::string>& rooms,
           const std::vector<std::string>& except = {}) {
    sim::Data data;
    data.flags = kLogged;
    data.route = sim::Route::kRooms;
    data.origin = kOrigin;
    data.seq = seq;
    data.nsp = kNsp;
    data.rooms = rooms;
    data.except = except;
    data.body = "message.........";
    home.arrived(sim::as_bytes(sim::encode_data(data)), now);
  }
  std::vector<std::uint64_t> sequences(Session& session, std::string_view from) {
    std::vector<std::uint64_t> found;
    for (const wire::Bytes frame : replay(session, from).frames)
      found.push_back(wire::parse_data(frame)->seq);
    return found;
  }
};

using Sequences = std::vector<std::uint64_t>;

TEST_F(RoomsTest, EachMessageIsForTheRoomsOfItsPosition) {
  Session* session = open("a");
  say(1, {"r"});
  home.join(*session, {"r"});
  say(2, {"r"});
  say(3, {"s", "r"});
  home.leave(*session, {"r"});
  say(4, {"r"});
  home.join(*session, {"r", "s"});
  say(5, {"s", "r"}, {"t"});
  say(6, {"r"}, {"s"});
  EXPECT_EQ(sequences(*session, ""), (Sequences{2, 3, 5}));
  EXPECT_EQ(sequences(*session, offset(kOrigin, 2)), (Sequences{3, 5}));
}

TEST_F(RoomsTest, AnOffsetThatWasNotForTheSessionIsRefused) {
  Session* session = open("a");
  say(1, {"r"});
  home.join(*session, {"r"});
  say(2, {"r"});
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kUnknownOffset);
  EXPECT_EQ(replay(*session, offset(kOrigin, 3)).result, Result::kUnknownOffset);
  EXPECT_EQ(replay(*session, offset(kOrigin + 1, 2)).result, Result::kUnknownOffset);
  EXPECT_EQ(replay(*session, "no offset").result, Result::kUnknownOffset);
  EXPECT_EQ(replay(*session, offset(kOrigin, 2)).result, Result::kRestored);
}

TEST_F(RoomsTest, NothingBeforeItsStartIsASessions) {
  come(kOrigin, 1);
  Session* session = open("late");
  come(kOrigin, 2);
  EXPECT_EQ(sequences(*session, ""), (Sequences{2}));
  EXPECT_NE(replay(*session, offset(kOrigin, 1)).result, Result::kRestored);
}

TEST_F(RoomsTest, AMissedGapIsRefusedAndOneThatWasSeenIsNot) {
  Session* session = open("a");
  come(kOrigin, 1);
  home.gap(now);
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kGap);
  come(kOrigin, 2);
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kGap);
  EXPECT_EQ(replay(*session, offset(kOrigin, 2)).result, Result::kRestored);
}

TEST_F(RoomsTest, WhatWasEvictedCantBeProven) {
  Session* session = open("a");
  come(kOrigin, 1);
  now += kWindow / 2;
  come(kOrigin, 2);
  home.expire(now + kWindow / 2, limits(), limits().memory_bytes);
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kRestored);
  home.expire(now + kWindow / 2 + 1, limits(), limits().memory_bytes);
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kEvicted);
  EXPECT_EQ(replay(*session, "").result, Result::kEvicted);
  EXPECT_EQ(replay(*session, offset(kOrigin, 2)).result, Result::kRestored);
}

TEST_F(RoomsTest, TheLastOneWrittenIsValidHoweverOld) {
  Session* session = open("a");
  come(kOrigin, 1);
  home.written(*session, offset(kOrigin, 1));
  pass(3 * kWindow);
  EXPECT_EQ(home.log().head(), home.log().end());
  come(kOrigin, 2);
  EXPECT_EQ(sequences(*session, offset(kOrigin, 1)), (Sequences{2}));
}

// The client was cut off before it got the last one.
TEST_F(RoomsTest, ThoseWrittenBeforeTheLastAreValidToo) {
  Session* session = open("a");
  come(kOrigin, 1);
  home.written(*session, offset(kOrigin, 1));
  pass(3 * kWindow);
  come(kOrigin, 2);
  home.written(*session, offset(kOrigin, 2));
  EXPECT_EQ(sequences(*session, offset(kOrigin, 1)), (Sequences{2}));
  EXPECT_EQ(sequences(*session, ""), (Sequences{})) << "what it saw first is forgotten";
  EXPECT_EQ(replay(*session, "").result, Result::kEvicted);
}

TEST_F(RoomsTest, WhatIsNoOffsetIsNotKeptBehindTheLast) {
  Session* session = open("a");
  home.written(*session, std::string(1U << 16U, 'x'));
  home.written(*session, offset(kOrigin, 1));
  ASSERT_EQ(session->written_before.size(), 1U) << "that it had none";
  EXPECT_EQ(session->written_before.front().offset, "");
}

TEST_F(RoomsTest, SoManyWrittenBeforeTheLastAreKept) {
  Session* session = open("a");
  for (std::uint64_t seq = 1; seq <= kWrittenBefore + 1; ++seq)
    home.written(*session, offset(kOrigin, seq));
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kRestored);
  home.written(*session, offset(kOrigin, kWrittenBefore + 2));
  EXPECT_EQ(replay(*session, offset(kOrigin, 1)).result, Result::kUnknownOffset);
  EXPECT_EQ(replay(*session, offset(kOrigin, 2)).result, Result::kRestored);
}

// Entries that the app has not delivered yet come behind its own, and count only when it has.
TEST_F(RoomsTest, TheLogHasTheOrderOfDelivery) {
  home.attach(1, {}, now);
  Session* session = open("a");
  home.queued(sim::as_bytes(message(kOrigin, 1)), 1, 1, now);
  home.queued(sim::as_bytes(message(kOrigin, 2)), 1, 2, now);
  const auto own = [&](std::uint64_t seq, std::uint64_t delivered) {
    sim::Data data;
    data.flags = kLogged;
    data.route = sim::Route::kNamespace;
    data.origin = kMember;
    data.seq = seq;
    data.nsp = kNsp;
    data.body = "own." + sim::Writer().u16(1).u32(delivered).u16(0).take();
    home.published(sim::as_bytes(sim::encode_data(data)), now);
  };
  own(10, 1);
  EXPECT_EQ(home.log().end(), 2U);
  own(11, 1);
  home.delivered(2, now);
  EXPECT_EQ(sequences(*session, ""), (Sequences{1, 10, 11, 2}));
}

}  // namespace
}  // namespace socketmesh::recovery

// A copy is the home as it was after the last record, whatever happened; and what is no record is
// refused.
#include "sidecar/core/recovery/shadow.hpp"

#include "tests/sidecar/core/recovery/copy_fixture.hpp"

namespace socketmesh::recovery {
namespace {

using wire::recovery::kAgeMaxUs;
using wire::recovery::kPositionMax;

class ShadowTest : public CopyTest {
 protected:
  void expect_followed() {
    ASSERT_TRUE(tell(shadow));
    expect_same(home, shadow.home());
  }

  Shadow shadow{kMember, limits()};
};

TEST_F(ShadowTest, FollowsEverythingThatHappensToAHome) {
  snapshot(shadow);
  home.attach(kAttachment, {{kThird, 5}}, now);
  expect_followed();
  Session* session = open("a", {"red"});
  expect_followed();
  queue(kOther, 1);
  queue(kThird, 5);  // known: it was taken before
  expect_followed();
  now += 10;
  home.delivered(2, now);
  expect_followed();
  home.join(*session, {"blue", "green"});
  home.leave(*session, {"red"});
  expect_followed();
  home.queued_gap(++deliveries, now);
  queue(kOther, 2);
  home.published(message(kMember, 1, 4), now);  // confirms what was queued
  expect_followed();
  EXPECT_EQ(home.log().end(), 4U);
  home.written(*session, offset(kMember, 1));
  home.set_data(*session, sim::as_bytes("other data"));
  expect_followed();
  home.all_written();
  home.gap(now);
  expect_followed();
  home.lend(*session, home.log().end());
  home.close(*session, {}, now, limits());
  expect_followed();
  open("b");
  home.end(*home.find("/", "a"));
  expect_followed();
  home.detach(now, limits());
  expect_followed();
  home.arrived(message(kThird, 6), now);
  expect_followed();
  EXPECT_EQ(shadow.home().find("/", "b")->state, Session::State::kAway);
}

TEST_F(ShadowTest, ASnapshotIsTheHomeAsItIs) {
  home.attach(kAttachment, {}, now);
  Session* session = open("a", {"red"});
  queue(kOther, 1);
  now += 100;
  home.delivered(1, now);
  home.gap(now);
  home.join(*session, {"blue"});
  home.carry(*session, "base", {message(kThird, 9)}, {{kThird, 9}}, home.log().end(), now);
  open("b");
  now += 100;
  queue(kOther, 2);
  queue(kOther, 3);
  snapshot(shadow);
  expect_same(home, shadow.home());
  EXPECT_TRUE(shadow.ready());
  // What was only queued is there, too.
  home.delivered(2, now);
  expect_followed();
  EXPECT_EQ(shadow.home().log().end(), home.log().head() + 3);
}

TEST_F(ShadowTest, IsReadyWhenItIsWholeAndNotWhenItBeginsAnew) {
  CopyNotes notes;
  notes.begin(5);
  ASSERT_TRUE(apply(shadow, notes.take()));
  EXPECT_FALSE(shadow.ready());
  notes.cursor("peer", {1, 2, 3});
  notes.plain(CopyKind::kReady);
  ASSERT_TRUE(apply(shadow, notes.take()));
  EXPECT_TRUE(shadow.ready());
  ASSERT_TRUE(shadow.cursors().contains("peer"));
  EXPECT_EQ(shadow.cursors().at("peer").seq, 3U);
  notes.begin(7);
  ASSERT_TRUE(apply(shadow, notes.take()));
  EXPECT_FALSE(shadow.ready());
  EXPECT_TRUE(shadow.cursors().empty());
  EXPECT_EQ(shadow.home().log().head(), 7U);
}

TEST_F(ShadowTest, SaysOnceThatItWasAsked) {
  EXPECT_FALSE(shadow.take_asked());
  CopyNotes notes;
  notes.plain(CopyKind::kAsk);
  ASSERT_TRUE(apply(shadow, notes.take()));
  EXPECT_TRUE(shadow.take_asked());
  EXPECT_FALSE(shadow.take_asked());
}

TEST_F(ShadowTest, KnowsWhenItIsNotWantedAnyMore) {
  CopyNotes notes;
  notes.plain(CopyKind::kEndOfCopy);
  ASSERT_TRUE(apply(shadow, notes.take()));
  EXPECT_TRUE(shadow.over());
}

TEST_F(ShadowTest, WantsNothingWhileItsHomeLives) {
  home.attach(kAttachment, {}, now);
  open("a", {"red"});
  snapshot(shadow);
  home.join(*home.find("/", "a"), {"blue"});
  ASSERT_TRUE(tell(shadow));
  EXPECT_TRUE(shadow.home().take_interest().empty());
  shadow.home().begin_takeover({kMember}, now, limits());
  EXPECT_EQ(shadow.home().take_interest().size(), 3U) << "two rooms, and everyone";
}

TEST_F(ShadowTest, IgnoresWhatIsAboutSessionsThatItWasNotTold) {
  home.attach(kAttachment, {}, now);
  Session* session = open("a");
  (void)home.take_changes();
  home.join(*session, {"blue"});
  home.set_data(*session, sim::as_bytes("x"));
  home.written(*session, offset(kOther, 1));
  home.close(*session, {}, now, limits());
  home.end(*session);
  ASSERT_TRUE(tell(shadow));
  EXPECT_EQ(shadow.home().sessions(), 0U);
}

TEST_F(ShadowTest, KeepsNoMoreSessionsThanAHomeMayHave) {
  for (std::size_t i = 0; i < limits().sessions; ++i) open("a" + std::to_string(i));
  HomeLimits more = limits();
  ++more.sessions;
  wire::recovery::SessionOp op;
  op.nsp = "/";
  op.sid = op.pid = "one more";
  ASSERT_NE(home.open(op, now, more), nullptr);
  ASSERT_TRUE(tell(shadow));
  EXPECT_EQ(shadow.home().sessions(), limits().sessions);
  EXPECT_EQ(shadow.home().find("/", "one more"), nullptr);
}

TEST_F(ShadowTest, RefusesUnknownKinds) {
  constexpr auto kLast = static_cast<std::uint8_t>(CopyKind::kAsk);
  for (const std::uint8_t kind : {std::uint8_t{0}, std::uint8_t{kLast + 1}, std::uint8_t{255}}) {
    const wire::Buffer records = {kind};
    EXPECT_FALSE(shadow.apply(records, now, limits())) << int{kind};
  }
}

// Whatever is cut off leaves whole records, or is refused.
TEST_F(ShadowTest, RefusesRecordsThatAreCutOff) {
  home.attach(kAttachment, {{kThird, 5}}, now);
  Session* session = open("a", {"red"});
  queue(kOther, 1);
  home.delivered(1, now);
  home.published(message(kMember, 1, 1), now);
  home.join(*session, {"blue"});
  home.written(*session, offset(kOther, 1));
  home.lend(*session, 1);
  CopyNotes notes;
  home.note_state(notes);
  home.note_session(notes, *session, now);
  notes.cursor("peer", {1, 2, 3});
  notes.begin(3);
  wire::Buffer entries;
  wire::Writer writer(entries);
  const wire::Buffer frame = message(kOther, 7);
  writer.u64(1);
  writer.u32(static_cast<std::uint32_t>(frame.size()));
  writer.bytes(frame);
  notes.log(3, entries);
  wire::Buffer records = home.take_changes().at(0);
  const wire::Buffer more = notes.take().at(0);
  records.insert(records.end(), more.begin(), more.end());

  std::size_t accepted = 0;
  for (std::size_t size = 0; size < records.size(); ++size) {
    Shadow fresh(kMember, limits());
    if (fresh.apply(wire::Bytes(records).first(size), now, limits())) ++accepted;
  }
  // Attached, session, queued, delivered, published, joined, last, lent; state, session, cursor,
  // begin: the ends of all but the last record, and nothing at all.
  EXPECT_EQ(accepted, 13U);
  Shadow fresh(kMember, limits());
  EXPECT_TRUE(fresh.apply(records, now, limits()));
  EXPECT_EQ(fresh.home().log().end(), 4U);
}

TEST_F(ShadowTest, RefusesWhatIsNoMessage) {
  CopyNotes notes;
  for (const auto kind : {CopyKind::kPublished, CopyKind::kArrived}) {
    const wire::Buffer none = {static_cast<std::uint8_t>(kind), 0, 0, 0, 0};
    EXPECT_FALSE(shadow.apply(none, now, limits()));
    const wire::Buffer junk = {1, 0, 0, 0, 0x40};
    notes.frames(kind, junk);
    EXPECT_FALSE(apply(shadow, notes.take())) << "a frame without a head";
  }
  wire::Buffer torn = message(kOther, 1);
  torn[8] = 0xff;
  notes.queued(1, torn);
  EXPECT_FALSE(apply(shadow, notes.take())) << "a route longer than the frame";
  notes.session(false, torn);
  EXPECT_FALSE(apply(shadow, notes.take())) << "no ADOPT_SESSION";
  notes.session(false, {});
  EXPECT_FALSE(apply(shadow, notes.take()));
}

// Times and positions are another's word: none may overflow.
TEST_F(ShadowTest, RefusesPositionsAndAgesThatCanNotBe) {
  CopyNotes notes;
  notes.begin(kPositionMax);
  EXPECT_TRUE(apply(shadow, notes.take()));
  notes.begin(kPositionMax + 1);
  EXPECT_FALSE(apply(shadow, notes.take()));
  notes.log(kPositionMax + 1, {});
  EXPECT_FALSE(apply(shadow, notes.take()));
  for (const std::uint64_t age : {kAgeMaxUs, kAgeMaxUs + 1}) {
    wire::Buffer entries;
    wire::Writer writer(entries);
    writer.u64(age);
    writer.u32(0);
    notes.log(0, entries);
    EXPECT_EQ(apply(shadow, notes.take()), age == kAgeMaxUs);
  }
}

}  // namespace
}  // namespace socketmesh::recovery

// A copy that becomes the home of clients whose server and sidecar were killed: what an offset
// proves there, rule 13 of the specification. How it plays together is proven by sim --dying.
#include "tests/sidecar/core/recovery/copy_fixture.hpp"

namespace socketmesh::recovery {
namespace {

class HomeCopyTest : public CopyTest {
 protected:
  HomeCopyTest() {
    home.attach(kAttachment, {}, now);
    open("a");
  }

  // What the copy holds when its home is lost. Told: 2.1, 3.1, 1.1 (in this order, all delivered);
  // queued and not reported: 2.2, 3.2.
  void lose_home() {
    queue(kOther, 1);
    queue(kThird, 1);
    home.published(message(kMember, 1, 2), now);
    queue(kOther, 2);
    queue(kThird, 2);
    ASSERT_TRUE(tell(shadow));
    shadow.home().begin_takeover({kMember, kNeighbour}, now, limits());
  }
  void end_takeover(const Home::Tail& tail = {}) { shadow.home().end_takeover(tail, now); }

  Replay replay(std::string_view presented) {
    return shadow.home().replay(*shadow.home().find("/", "a"), presented, Home::kAll);
  }
  // Ids of what one gets who presents this; the result's name when it is refused.
  std::vector<std::string> missed(std::string_view presented) {
    const Replay replayed = replay(presented);
    if (replayed.result != Result::kRestored)
      return {wire::recovery::kResultNames.at(static_cast<std::size_t>(replayed.result))};
    std::vector<std::string> ids;
    for (const wire::Bytes frame : replayed.frames) {
      const auto data = wire::parse_data(frame);
      ids.push_back(std::to_string(as_written(data->origin)) + "." + std::to_string(data->seq));
    }
    return ids;
  }
  using Ids = std::vector<std::string>;

  Shadow shadow{kMember, limits()};
};

TEST_F(HomeCopyTest, BelowTheCutAllThatFollowsIsReplayed) {
  lose_home();
  end_takeover();
  EXPECT_EQ(missed(offset(kOther, 1)), (Ids{"3.1", "1.1", "2.2", "3.2"}));
  EXPECT_EQ(missed(offset(kThird, 1)), (Ids{"1.1", "2.2", "3.2"}));
  EXPECT_EQ(missed(offset(kMember, 1)), (Ids{"2.2", "3.2"}));
}

// Their order is that in which they were queued, whether or not they were delivered.
TEST_F(HomeCopyTest, WhatWasQueuedHasItsOrder) {
  lose_home();
  end_takeover();
  EXPECT_EQ(missed(offset(kOther, 2)), (Ids{"3.2"}));
  EXPECT_EQ(missed(offset(kThird, 2)), Ids{});
}

TEST_F(HomeCopyTest, AboveTheCutOneOriginsRestIsReplayed) {
  lose_home();
  Home::Tail tail;
  for (std::uint64_t seq = 3; seq <= 5; ++seq) tail.sent.push_back(message(kOther, seq));
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kOther, 4)), (Ids{"2.5"}));
  EXPECT_EQ(missed(offset(kThird, 2)), (Ids{"2.3", "2.4", "2.5"})) << "at the cut all is known";
}

TEST_F(HomeCopyTest, AboveTheCutAnothersMessageIsAmbiguous) {
  lose_home();
  Home::Tail tail;
  tail.sent = {message(kOther, 3), message(kThird, 3)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kOther, 3)), (Ids{"unprovable"}));
  EXPECT_EQ(missed(offset(kThird, 3)), (Ids{"unprovable"}));
  EXPECT_EQ(missed(offset(kOther, 2)), (Ids{"3.2", "2.3", "3.3"})) << "below it is known";
}

// For a session that the other's message was not for, nothing is ambiguous.
TEST_F(HomeCopyTest, OnlyMatchingMessagesAreAmbiguous) {
  lose_home();
  Home::Tail tail;
  tail.sent = {message(kOther, 3), message_to({"elsewhere"}, kThird, 3)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kOther, 3)), Ids{});
}

TEST_F(HomeCopyTest, WhatWasNotSentNobodyHasSeen) {
  lose_home();
  Home::Tail tail;
  tail.sent = {message(kOther, 3)};
  tail.unsent = {message(kThird, 3)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kOther, 3)), (Ids{"3.3"}));
  EXPECT_EQ(missed(offset(kThird, 3)), (Ids{"unknown_offset"})) << "which nobody can have";
}

// The member's last publishes may be known to its clients alone: then they have seen all that it
// had said that it had delivered. What else was queued is ambiguous.
TEST_F(HomeCopyTest, AnOffsetThatDiedWithTheMember) {
  home.published(message(kMember, 1), now);
  ASSERT_TRUE(tell(shadow));
  shadow.home().begin_takeover({kMember, kNeighbour}, now, limits());
  end_takeover();
  EXPECT_EQ(missed(offset(kMember, 2)), Ids{});
}

TEST_F(HomeCopyTest, AnOffsetThatDiedWithTheMemberIsAmbiguousBehindWhatWasQueued) {
  lose_home();
  end_takeover();
  EXPECT_EQ(missed(offset(kMember, 2)), (Ids{"unprovable"}));
}

TEST_F(HomeCopyTest, AnUnknownOffsetOfAnotherIsRefused) {
  lose_home();
  end_takeover();
  EXPECT_EQ(missed(offset(kOther, 9)), (Ids{"unknown_offset"}));
  EXPECT_EQ(missed("no offset at all"), (Ids{"unknown_offset"}));
}

TEST_F(HomeCopyTest, WhatPeersHeardOfTheMemberIsItsOwn) {
  lose_home();
  Home::Tail tail;
  tail.own = {message(kMember, 2, 3)};  // it had delivered 2.2 by then
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kMember, 1)), (Ids{"2.2", "1.2", "3.2"}));
  EXPECT_EQ(missed(offset(kMember, 2)), (Ids{"3.2"}));
}

TEST_F(HomeCopyTest, WhatIsNotKeptIsAGap) {
  lose_home();
  Home::Tail tail;
  tail.lost = true;
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kOther, 1)), (Ids{"gap"}));
  EXPECT_EQ(missed(offset(kMember, 2)), (Ids{"gap"}));
}

TEST_F(HomeCopyTest, WhatArrivesMeanwhileComesLast) {
  lose_home();
  shadow.home().arrived(message(kThird, 4), now);
  Home::Tail tail;
  tail.sent = {message(kThird, 3)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kThird, 2)), (Ids{"3.3", "3.4"}));
}

TEST_F(HomeCopyTest, ALateTail) {
  lose_home();
  end_takeover();
  shadow.home().late(message(kThird, 2), false, now);
  EXPECT_EQ(missed(offset(kThird, 2)), Ids{}) << "it was there";
  shadow.home().late(message(kThird, 3), true, now);
  EXPECT_EQ(missed(offset(kThird, 2)), (Ids{"3.3"})) << "nobody has seen it: it comes now";
  shadow.home().late(message(kThird, 4), false, now);
  EXPECT_EQ(missed(offset(kThird, 2)), (Ids{"gap"})) << "it belongs where something else is";
}

TEST_F(HomeCopyTest, ASessionThatWasLentProvesNothingAboveTheCut) {
  queue(kOther, 1);
  home.delivered(1, now);
  home.lend(*home.find("/", "a"), home.log().end());
  ASSERT_TRUE(tell(shadow));
  shadow.home().begin_takeover({kMember, kNeighbour}, now, limits());
  Home::Tail tail;
  tail.sent = {message(kOther, 2)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kOther, 2)), (Ids{"unknown_offset"}));
}

// Any member of that sidecar may live on, and publish again what this client has seen.
TEST_F(HomeCopyTest, WhoIsRestoredIsSuspect) {
  lose_home();
  end_takeover();
  const wire::recovery::Members members{kMember, kNeighbour};
  EXPECT_EQ(replay(offset(kMember, 1)).suspects, members);
  EXPECT_EQ(replay(offset(kOther, 1)).suspects, members);
}

// Its last message came to a peer, and what it had delivered before that is not in the copy: who
// has seen that message may have seen the other.
TEST_F(HomeCopyTest, AMessageBehindUnknownDeliveriesProvesNothingOfThem) {
  lose_home();
  Home::Tail tail;
  tail.own = {message(kMember, 2, 5)};
  tail.sent = {message(kOther, 3)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kMember, 2)), (Ids{"unprovable"}));
  EXPECT_EQ(missed(offset(kMember, 1)), (Ids{"2.2", "3.2", "1.2", "2.3"}));
}

TEST_F(HomeCopyTest, AMessageBehindKnownDeliveriesProvesThem) {
  lose_home();
  Home::Tail tail;
  tail.own = {message(kMember, 2, 4)};
  tail.sent = {message(kOther, 3)};
  end_takeover(tail);
  EXPECT_EQ(missed(offset(kMember, 2)), (Ids{"2.3"}));
}

TEST_F(HomeCopyTest, AMemberThatLivesOnGetsItsSessionsBack) {
  lose_home();
  end_takeover();
  shadow.home().give_back();
  EXPECT_EQ(shadow.home().sessions(), 0U);
  shadow.home().attach(2, {}, now);
  EXPECT_TRUE(shadow.home().suspects().empty());
  EXPECT_FALSE(shadow.home().taken_over());
}

TEST_F(HomeCopyTest, NobodyIsRestoredToASessionThatTwoHave) {
  lose_home();
  end_takeover();
  shadow.home().find("/", "a")->doomed = true;
  EXPECT_EQ(missed(offset(kMember, 1)), (Ids{"unprovable"}));
}

TEST_F(HomeCopyTest, SocketsOfALostHomeAreAwayAndExpire) {
  lose_home();
  end_takeover();
  Session* session = shadow.home().find("/", "a");
  EXPECT_EQ(session->state, Session::State::kAway);
  shadow.home().expire(now + kWindow - 1, limits(), limits().memory_bytes);
  EXPECT_EQ(shadow.home().sessions(), 1U);
  shadow.home().expire(now + kWindow, limits(), limits().memory_bytes);
  EXPECT_EQ(shadow.home().sessions(), 0U);
}

TEST_F(HomeCopyTest, TellsWhatItHasAboveMarks) {
  queue(kOther, 1);
  queue(kOther, 2);
  home.delivered(1, now);
  home.published(message(kMember, 1, 1), now);
  std::vector<wire::Bytes> above;
  home.each_above({{kOther, 0}, {kMember, 1}}, above);
  ASSERT_EQ(above.size(), 2U);
  above.clear();
  home.each_above({{kOther, 1}}, above);
  ASSERT_EQ(above.size(), 1U) << "what is queued counts, too";
  EXPECT_EQ(wire::parse_data(above[0])->seq, 2U);
}

TEST_F(HomeCopyTest, NotesNothingWhenNobodyWantsACopy) {
  home.note_changes(false);
  queue(kOther, 1);
  home.delivered(1, now);
  EXPECT_TRUE(home.take_changes().empty());
}

}  // namespace
}  // namespace socketmesh::recovery

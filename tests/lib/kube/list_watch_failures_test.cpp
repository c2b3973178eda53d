// What a watch is when the server, the network or the clock is against it.
#include "tests/lib/kube/list_watch_rig.hpp"

namespace socketmesh::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned kMany = 20;

ListWatchOptions small() {
  ListWatchOptions options = ListWatchRig::options();
  options.limits.page_bytes_max = 400;
  options.limits.event_bytes_max = 200;
  options.limits.objects_max = 3;
  options.limits.pages_max = 2;
  options.limits.refusal_bytes_max = 100;
  return options;
}

TEST(ListWatchFailures, A410StatusMeansANewListAtOnce) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.finish();
  rig.take();
  rig.answer(410, R"({"kind":"Status","code":410})");
  EXPECT_THAT(rig.take(), ElementsAre("list"));
  // Nothing is delivered before the new list is whole.
  rig.answer(200, page("70", {object("a", "1")}, "more"));
  EXPECT_THAT(rig.take(), ElementsAre("list continue=more"));
  rig.answer(200, page("70", {object("c", "60")}));
  EXPECT_THAT(rig.take(), ElementsAre("replace 70: a@1 c@60", "watch 70"));
  EXPECT_EQ(rig.watch.stats().relists, 1U);
  EXPECT_EQ(failures(rig.watch, FailureKind::kExpired), 1U);
  EXPECT_FALSE(rig.watch.troubled());
}

TEST(ListWatchFailures, A410EventMeansANewListToo) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.receive(event("ADDED", object("b", "6")) + error_event(410) +
              event("ADDED", object("never", "7")));
  EXPECT_THAT(rig.take(), ElementsAre("upsert b@6", "abort", "list"));
}

TEST(ListWatchFailures, AServerThatOnlySays410IsNotAskedInALoop) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.receive(error_event(410));
  for (unsigned i = 0; i < kMany; ++i) {
    rig.take();
    const Time before = rig.now;
    rig.answer(410, "");
    EXPECT_GE(rig.watch.deadline() - before, milliseconds(i == 0 ? 0 : 250)) << i;
    rig.pass_to_deadline();
  }
  EXPECT_TRUE(rig.watch.troubled());
}

TEST(ListWatchFailures, AnExpiredContinueTokenBeginsTheListAnew) {
  ListWatchRig rig;
  rig.take();
  rig.answer(200, page("5", {object("a", "1")}, "old"));
  rig.take();
  rig.answer(410, "");
  EXPECT_THAT(rig.take(), ElementsAre("list"));
  rig.answer(200, page("8", {object("b", "7")}));
  EXPECT_THAT(rig.take(), ElementsAre("replace 8: b@7", "watch 8"));
}

TEST(ListWatchFailures, AConnectionThatBreaksIsResumedAfterAPauseAndToldOnce) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.fail("connection reset");
  EXPECT_THAT(rig.take(), ElementsAre("troubled transport: connection reset"));
  for (unsigned i = 0; i < kMany; ++i) {
    rig.pass_to_deadline();
    EXPECT_THAT(rig.take(), ElementsAre("watch 5"));
    rig.fail();
    EXPECT_THAT(rig.take(), IsEmpty());
  }
  rig.pass_to_deadline();
  rig.take();
  rig.respond(200);
  EXPECT_TRUE(rig.watch.troubled());  // it may end again at once
  rig.pass_to_deadline();
  EXPECT_THAT(rig.take(), ElementsAre("recovered"));
  EXPECT_EQ(rig.watch.stats().relists, 0U);
  EXPECT_EQ(failures(rig.watch, FailureKind::kTransport), kMany + 1);
}

TEST(ListWatchFailures, EachReasonOfOneTroubleIsToldOnce) {
  ListWatchRig rig;
  rig.take();
  rig.fail("refused");
  EXPECT_THAT(rig.take(), ElementsAre("troubled transport: refused"));
  rig.pass_to_deadline();
  rig.take();
  rig.answer(503, "");
  EXPECT_THAT(rig.take(), ElementsAre("troubled server 503"));
  rig.pass_to_deadline();
  rig.take();
  rig.fail("refused");
  EXPECT_THAT(rig.take(), IsEmpty());
}

TEST(ListWatchFailures, PausesGrowToTheirMaximumAndStartAnewOnceAWatchStays) {
  ListWatchRig rig;
  rig.take();
  Time longest{0};
  for (unsigned i = 0; i < kMany; ++i) {
    rig.fail();
    const Time pause = rig.watch.deadline() - rig.now;
    EXPECT_GE(pause, milliseconds(250));
    EXPECT_LE(pause, seconds(30));
    longest = std::max(longest, pause);
    rig.pass(pause - milliseconds(1));
    EXPECT_NE(rig.watch.deadline(), kNever);
    const Lines early = rig.take();
    EXPECT_TRUE(early.empty() || early.front().starts_with("troubled"));
    rig.pass(milliseconds(1));
    rig.take();
  }
  EXPECT_GE(longest, seconds(15));
  rig.begin_watching();
  rig.fail();
  EXPECT_LE(rig.watch.deadline() - rig.now, milliseconds(500));
}

TEST(ListWatchFailures, ClientsOfOneServerDoNotComeBackInStep) {
  std::set<Time> pauses;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ListWatchRig rig(ListWatchRig::options(), seed);
    rig.take();
    rig.fail();
    pauses.insert(rig.watch.deadline() - rig.now);
  }
  EXPECT_GT(pauses.size(), 25U);
}

TEST(ListWatchFailures, AWatchThatEndsAtOnceIsNotAskedInALoop) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.finish();
  EXPECT_THAT(rig.take(), ElementsAre("watch 5"));
  rig.respond(200);
  rig.finish();
  EXPECT_THAT(rig.take(), ElementsAre("watch 5"));  // once may happen: a server that restarts
  rig.respond(200);
  rig.finish();
  EXPECT_THAT(rig.take(), ElementsAre("troubled transport: watches end as soon as they begin"));
  EXPECT_GE(rig.watch.deadline() - rig.now, milliseconds(500));
}

TEST(ListWatchFailures, A401AsksForTheTokenAnew) {
  ListWatchRig rig;
  rig.take();
  rig.answer(401, R"({"message":"Unauthorized"})");
  EXPECT_THAT(rig.take(), ElementsAre("reauthenticate", "troubled unauthorized 401: Unauthorized"));
  EXPECT_LE(rig.watch.deadline() - rig.now, milliseconds(500));
  rig.pass_to_deadline();
  EXPECT_THAT(rig.take(), ElementsAre("list"));
}

TEST(ListWatchFailures, RefusalsSayWhyAndAreTriedAgain) {
  const std::vector<std::pair<unsigned, std::string>> cases = {
      {403, "troubled forbidden 403: no"}, {404, "troubled not_found 404: no"},
      {429, "troubled throttled 429: no"}, {500, "troubled server 500: no"},
      {503, "troubled server 503: no"},    {302, "troubled refused 302: no"},
      {422, "troubled refused 422: no"},
  };
  for (const auto& [status, told] : cases) {
    ListWatchRig rig;
    rig.take();
    rig.answer(status, R"({"kind":"Status","message":"no"})");
    EXPECT_THAT(rig.take(), ElementsAre(told));
    rig.pass_to_deadline();
    EXPECT_THAT(rig.take(), ElementsAre("list"));
  }
}

TEST(ListWatchFailures, WaitsAsLongAsTheServerAsksWithinReason) {
  const std::vector<std::pair<std::string, Time>> cases = {
      {"7", seconds(7)},         {"0", milliseconds(250)},
      {"", milliseconds(250)},   {"120", seconds(120)},
      {"121", seconds(120)},     {"86401", milliseconds(250)},
      {"-3", milliseconds(250)}, {"Wed, 21 Oct 2015 07:28:00 GMT", milliseconds(250)},
  };
  for (const auto& [asked, least] : cases) {
    ListWatchRig rig;
    rig.take();
    rig.answer(429, "", asked);
    const Time pause = rig.watch.deadline() - rig.now;
    EXPECT_GE(pause, least) << asked;
    EXPECT_LE(pause, std::max(least, milliseconds(500))) << asked;
  }
}

TEST(ListWatchFailures, AServerThatWillNotResumeIsListed) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.receive(error_event(504, "Too large resource version"));
  EXPECT_THAT(rig.take(), ElementsAre("troubled server 504: Too large resource version", "abort"));
  for (int i = 0; i < 2; ++i) {
    rig.pass_to_deadline();
    EXPECT_THAT(rig.take(), ElementsAre("watch 5"));
    rig.answer(504, "");
  }
  rig.pass_to_deadline();
  EXPECT_THAT(rig.take(), ElementsAre("list"));
}

TEST(ListWatchFailures, AVersionThatTheServerCallsWrongIsGivenUpAtOnce) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.finish();
  rig.take();
  rig.answer(400, "");
  rig.pass_to_deadline();
  EXPECT_THAT(rig.take(), ElementsAre("troubled refused 400", "list"));
}

TEST(ListWatchFailures, AnOverloadedServerIsNotAskedForListsInstead) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.finish();
  for (unsigned i = 0; i < kMany; ++i) {
    EXPECT_THAT(rig.take().back(), "watch 5");
    rig.answer(i % 2 == 0 ? 429 : 503, "");
    rig.take();
    rig.pass_to_deadline();
  }
}

TEST(ListWatchFailures, ASilentServerIsGivenUp) {
  ListWatchRig rig;
  rig.take();
  EXPECT_EQ(rig.pass_to_deadline(), seconds(15));
  EXPECT_THAT(rig.take(), ElementsAre("troubled timeout: the server went silent", "abort"));
  rig.pass_to_deadline();
  rig.take();
  rig.respond(200);
  EXPECT_EQ(rig.pass_to_deadline(), seconds(60));
  EXPECT_THAT(rig.take(), ElementsAre("abort"));
  EXPECT_EQ(failures(rig.watch, FailureKind::kTimeout), 2U);
}

TEST(ListWatchFailures, AWatchThatOutlivesItsTimeoutHangsAndIsResumed) {
  ListWatchRig rig;
  rig.begin_watching();
  const Time opened = rig.now;
  rig.receive(event("ADDED", object("b", "6")));
  rig.take();
  rig.pass(seconds(200));
  rig.receive("{\"type\":");  // signs of life do not prolong it
  rig.pass_to_deadline();
  EXPECT_GE(rig.now - opened, seconds(261 + 15 - 5));
  EXPECT_LE(rig.now - opened, seconds(290 + 15));
  EXPECT_THAT(rig.take(), ElementsAre("troubled timeout: the server went silent", "abort"));
  rig.pass_to_deadline();
  EXPECT_THAT(rig.take(), ElementsAre("watch 6"));
}

TEST(ListWatchFailures, ARefusalWhoseBodyNeverEndsIsOneAllTheSame) {
  ListWatchRig rig;
  rig.take();
  rig.respond(403);
  rig.receive(R"({"message":)");
  rig.pass_to_deadline();
  EXPECT_THAT(rig.take(), ElementsAre("troubled forbidden 403", "abort"));
}

TEST(ListWatchFailures, ARefusalWhoseBodyIsCutIsOneAllTheSame) {
  ListWatchRig rig;
  rig.take();
  rig.respond(403);
  rig.fail("reset");
  EXPECT_THAT(rig.take(), ElementsAre("troubled forbidden 403"));
}

TEST(ListWatchFailures, AnEndWithoutAStatusIsAFailure) {
  ListWatchRig rig;
  rig.take();
  rig.finish();
  EXPECT_THAT(rig.take(),
              ElementsAre("troubled transport: the connection ended without a response"));
}

TEST(ListWatchFailures, AMalformedListIsNotDelivered) {
  for (const std::string body : {"", "[]", "{", "null", R"({"metadata":{}})", R"({"items":[]})",
                                 R"({"metadata":{"resourceVersion":"1"},"items":[1]})",
                                 R"({"metadata":{"resourceVersion":"1"},"items":{}})",
                                 R"({"metadata":{"resourceVersion":1},"items":[]})",
                                 R"({"metadata":{"resourceVersion":"1","continue":7}})"}) {
    ListWatchRig rig;
    rig.take();
    rig.answer(200, body);
    EXPECT_EQ(failures(rig.watch, FailureKind::kMalformed), 1U) << body;
    rig.take();
    rig.pass_to_deadline();
    EXPECT_THAT(rig.take(), ElementsAre("list")) << body;
    EXPECT_FALSE(rig.watch.listed());
  }
}

TEST(ListWatchFailures, AMalformedEventMeansANewList) {
  for (const std::string line :
       {"{", "7", "[]", R"({"type":"ADDED"})", R"({"type":"ADDED","object":7})",
        R"({"type":"WHAT","object":{"metadata":{"resourceVersion":"6"}}})",
        R"({"type":"ADDED","object":{"metadata":{}}})", R"({"object":{}})", "\xff"}) {
    ListWatchRig rig;
    rig.begin_watching();
    rig.receive(line + "\n" + event("ADDED", object("never", "7")));
    const Lines told = rig.take();
    ASSERT_EQ(told.size(), 2U) << line;
    EXPECT_THAT(told.front(), testing::StartsWith("troubled malformed: ")) << line;
    EXPECT_EQ(told.back(), "abort");
    rig.pass_to_deadline();
    EXPECT_THAT(rig.take(), ElementsAre("list")) << line;
  }
}

TEST(ListWatchFailures, AFailureInTheMiddleOfAListBeginsItAnew) {
  ListWatchRig rig;
  rig.take();
  rig.answer(200, page("5", {object("a", "1")}, "more"));
  rig.take();
  rig.fail();
  rig.pass_to_deadline();
  rig.take();
  EXPECT_EQ(rig.target, "/api/v1/pods?limit=500");
  rig.answer(200, page("6", {object("b", "2")}));
  EXPECT_THAT(rig.take(), ElementsAre("replace 6: b@2", "watch 6"));
}

TEST(ListWatchFailures, APageMayFillItsLimitAndNoMore) {
  for (const std::size_t extra : {0U, 1U}) {
    ListWatchRig rig(small());
    rig.take();
    std::string body = page("5", {object("a", "1")});
    body.append(small().limits.page_bytes_max + extra - body.size(), ' ');
    rig.answer(200, body);
    EXPECT_EQ(rig.watch.listed(), extra == 0);
    EXPECT_EQ(failures(rig.watch, FailureKind::kTooLarge), extra);
  }
}

TEST(ListWatchFailures, AnEventMayFillItsLimitAndNoMore) {
  for (const std::size_t extra : {0U, 1U}) {
    for (const bool cut : {false, true}) {
      ListWatchRig rig(small());
      rig.begin_watching();
      std::string line = event("ADDED", object("b", "6"));
      line.pop_back();
      line.append(small().limits.event_bytes_max + extra - line.size(), ' ');
      if (cut) {
        rig.receive(line.substr(0, 50));
        rig.receive(line.substr(50));
        rig.receive("\n");
      } else {
        rig.receive(line + "\n");
      }
      EXPECT_EQ(rig.watch.stats().events, 1 - extra);
      EXPECT_EQ(failures(rig.watch, FailureKind::kTooLarge), extra);
      if (extra == 0) continue;
      EXPECT_THAT(rig.take(), ElementsAre("troubled too_large: an event over the limit", "abort"));
      rig.pass_to_deadline();
      EXPECT_THAT(rig.take(), ElementsAre("list"));
    }
  }
}

TEST(ListWatchFailures, AListMayHaveItsMostObjectsAndNoMore) {
  for (const std::size_t extra : {0U, 1U}) {
    ListWatchRig rig(small());
    rig.take();
    rig.answer(200, page("5", {object("a", "1"), object("b", "1")}, "more"));
    rig.take();
    rig.answer(200, page("5", std::vector<nlohmann::json>(1 + extra, object("c", "1"))));
    EXPECT_EQ(rig.watch.listed(), extra == 0);
    EXPECT_EQ(failures(rig.watch, FailureKind::kTooLarge), extra);
  }
}

TEST(ListWatchFailures, AListMayHaveItsMostPagesAndNoMore) {
  for (const std::size_t extra : {0U, 1U}) {
    ListWatchRig rig(small());
    for (std::size_t i = 0; i < small().limits.pages_max + extra - 1; ++i) {
      rig.take();
      rig.answer(200, page("5", {}, "more"));
    }
    rig.take();
    rig.answer(200, page("5", {}));
    EXPECT_EQ(rig.watch.listed(), extra == 0);
    EXPECT_EQ(failures(rig.watch, FailureKind::kTooLarge), extra);
  }
}

TEST(ListWatchFailures, OfARefusalNoMoreIsReadThanItsLimit) {
  ListWatchRig rig(small());
  rig.take();
  rig.respond(403);
  rig.receive(std::string(small().limits.refusal_bytes_max, ' '));
  EXPECT_THAT(rig.take(), IsEmpty());
  rig.receive(" ");
  EXPECT_THAT(rig.take(), ElementsAre("troubled forbidden 403", "abort"));
}

TEST(ListWatchFailures, ReasonsAreCutWhereACharacterEnds) {
  ListWatchRig rig;
  rig.take();
  std::string why(kFailureTextMax - 1, 'x');
  rig.fail(why + "\xc3\xa4");
  const auto actions = rig.watch.take_actions();
  EXPECT_EQ(std::get<Troubled>(actions.at(0)).failure.message, why);
}

}  // namespace
}  // namespace socketmesh::kube

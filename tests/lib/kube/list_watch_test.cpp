// What a watch is when the server keeps to the rules: lists, pages, events, resumption.
#include "lib/kube/list_watch.hpp"

#include "tests/lib/kube/list_watch_rig.hpp"

namespace socketmesh::kube {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ListWatch, ListsThenWatchesFromTheListsVersion) {
  ListWatchRig rig;
  EXPECT_THAT(rig.take(), ElementsAre("list"));
  EXPECT_EQ(rig.target, "/api/v1/pods?limit=500");
  EXPECT_FALSE(rig.watch.listed());
  rig.answer(200, page("5", {object("a", "1"), object("b", "4")}));
  EXPECT_THAT(rig.take(), ElementsAre("replace 5: a@1 b@4", "watch 5"));
  EXPECT_TRUE(rig.watch.listed());
  EXPECT_THAT(rig.target, HasSubstr("/api/v1/pods?watch=1&allowWatchBookmarks=true"
                                    "&resourceVersion=5&timeoutSeconds="));
}

TEST(ListWatch, AnEmptyCollectionIsReplacedToo) {
  ListWatchRig rig;
  rig.take();
  rig.answer(200, R"({"kind":"PodList","metadata":{"resourceVersion":"9"},"items":null})");
  EXPECT_THAT(rig.take(), ElementsAre("replace 9:", "watch 9"));
}

TEST(ListWatch, DeliversAListOfManyPagesAtOnce) {
  ListWatchRig rig;
  rig.take();
  rig.answer(200, page("5", {object("a", "1")}, "to b&c"));
  EXPECT_THAT(rig.take(), ElementsAre("list continue=to%20b%26c"));
  rig.answer(200, page("5", {object("b", "2")}, "d"));
  EXPECT_THAT(rig.take(), ElementsAre("list continue=d"));
  rig.answer(200, page("5", {object("c", "3")}));
  EXPECT_THAT(rig.take(), ElementsAre("replace 5: a@1 b@2 c@3", "watch 5"));
  EXPECT_EQ(rig.watch.stats().lists, 1U);
  EXPECT_EQ(rig.watch.stats().relists, 0U);
}

TEST(ListWatch, DeliversEventsInTheirOrder) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.receive(event("ADDED", object("b", "6")) + event("MODIFIED", object("a", "7")) +
              event("BOOKMARK", object("", "9")) + event("DELETED", object("b", "12")));
  EXPECT_THAT(rig.take(), ElementsAre("upsert b@6", "upsert a@7", "bookmark 9", "delete b@12"));
  EXPECT_EQ(rig.watch.stats().events, 3U);
  EXPECT_EQ(rig.watch.stats().bookmarks, 1U);
}

TEST(ListWatch, TakesEventsHoweverTheyAreCut) {
  const std::string stream = event("ADDED", object("b", "6")) + "\r\n\n" +
                             event("MODIFIED", object("b", "7")) +
                             event("DELETED", object("b", "8"));
  for (std::size_t cut = 1; cut <= stream.size(); ++cut) {
    ListWatchRig rig;
    rig.begin_watching();
    for (std::size_t at = 0; at < stream.size(); at += cut) {
      rig.receive(std::string_view(stream).substr(at, cut));
    }
    ASSERT_THAT(rig.take(), ElementsAre("upsert b@6", "upsert b@7", "delete b@8")) << cut;
  }
}

TEST(ListWatch, ResumesFromTheLastVersionAtOnce) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.receive(event("ADDED", object("b", "6")));
  rig.finish();
  EXPECT_THAT(rig.take(), ElementsAre("upsert b@6", "watch 6"));
  rig.respond(200);
  rig.pass(seconds(6));
  rig.receive(event("BOOKMARK", object("", "44")));
  rig.finish();
  EXPECT_THAT(rig.take(), ElementsAre("bookmark 44", "watch 44"));
  EXPECT_EQ(rig.watch.stats().watches, 2U);
  EXPECT_EQ(rig.watch.stats().relists, 0U);
  EXPECT_FALSE(rig.watch.troubled());
}

TEST(ListWatch, AnEventThatWasCutByTheEndComesAgain) {
  ListWatchRig rig;
  rig.begin_watching();
  const std::string whole = event("ADDED", object("b", "6"));
  rig.receive(whole.substr(0, whole.size() / 2));
  rig.finish();
  EXPECT_THAT(rig.take(), ElementsAre("watch 5"));
  rig.respond(200);
  rig.receive(whole);
  EXPECT_THAT(rig.take(), ElementsAre("upsert b@6"));
}

TEST(ListWatch, AsksTheServerToEndTheWatchJitteredBelowTheLongest) {
  std::set<std::string> asked;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ListWatchRig rig(ListWatchRig::options(), seed);
    rig.take();
    rig.answer(200, page("5", {}));
    rig.take();
    const std::size_t at = rig.target.find("timeoutSeconds=");
    ASSERT_NE(at, std::string::npos);
    const std::string text = rig.target.substr(at + std::string("timeoutSeconds=").size());
    EXPECT_GE(std::stoi(text), 261);
    EXPECT_LE(std::stoi(text), 290);
    asked.insert(text);
  }
  EXPECT_GT(asked.size(), 5U);
}

TEST(ListWatch, SelectorsGoWithEveryRequest) {
  ListWatchOptions options = ListWatchRig::options();
  options.collection.label_selector = "kubernetes.io/service-name=chat-mesh";
  options.collection.field_selector = "metadata.name=x";
  options.page_size = 20;
  ListWatchRig rig(options);
  rig.take();
  const std::string selectors =
      "/api/v1/pods?labelSelector=kubernetes.io%2Fservice-name%3Dchat-mesh"
      "&fieldSelector=metadata.name%3Dx";
  EXPECT_EQ(rig.target, selectors + "&limit=20");
  rig.answer(200, page("5", {}));
  rig.take();
  EXPECT_THAT(rig.target, HasSubstr(selectors + "&watch=1"));
}

TEST(ListWatch, TrimsEachObjectBeforeItIsKept) {
  ListWatchOptions options = ListWatchRig::options();
  options.trim = [](nlohmann::json& one) { one.erase("spec"); };
  ListWatchRig rig(options);
  rig.take();
  nlohmann::json fat = object("a", "1");
  fat["spec"] = "much";
  rig.answer(200, page("5", {fat}));
  auto actions = rig.watch.take_actions();
  EXPECT_EQ(std::get<Replace>(actions.at(0)).objects.at(0), object("a", "1"));
  const RequestId id = std::get<Request>(actions.at(1)).id;
  rig.watch.responded(id, 200, "", rig.now);
  rig.watch.received(id, event("MODIFIED", fat), rig.now);
  actions = rig.watch.take_actions();
  EXPECT_EQ(std::get<Upsert>(actions.at(0)).object, object("a", "1"));
}

TEST(ListWatch, StalenessIsTheTimeSinceTheServerLastSpoke) {
  ListWatchRig rig;
  rig.pass(seconds(3));
  EXPECT_EQ(rig.watch.staleness(rig.now), seconds(3));
  rig.begin_watching();
  EXPECT_EQ(rig.watch.staleness(rig.now), seconds(5));  // settling took them
  rig.receive("{");
  EXPECT_EQ(rig.watch.staleness(rig.now), seconds(0));
  rig.pass(seconds(2));
  rig.fail();
  rig.pass_to_deadline();
  rig.take();
  rig.answer(503, "");  // an answer, but no sign that the server can serve
  EXPECT_GE(rig.watch.staleness(rig.now), seconds(2));
}

TEST(ListWatch, StoppingAbortsAndWaitsForNothing) {
  ListWatchRig rig;
  rig.begin_watching();
  rig.watch.stop();
  EXPECT_THAT(rig.take(), ElementsAre("abort"));
  EXPECT_EQ(rig.watch.deadline(), kNever);
  rig.receive(event("ADDED", object("b", "6")));
  rig.finish();
  rig.pass(seconds(1'000));
  EXPECT_THAT(rig.take(), IsEmpty());
}

TEST(ListWatch, StoppingWhileItPausesIsForGood) {
  ListWatchRig rig;
  rig.take();
  rig.fail();
  rig.take();
  rig.watch.stop();
  rig.pass(seconds(1'000));
  EXPECT_THAT(rig.take(), IsEmpty());
  EXPECT_EQ(rig.watch.deadline(), kNever);
}

TEST(ListWatch, WhatNamesAnEarlierRequestIsIgnored) {
  ListWatchRig rig;
  rig.take();
  const RequestId list = rig.id;
  rig.answer(200, page("5", {}));
  rig.take();
  rig.watch.responded(list, 500, "", rig.now);
  rig.watch.received(list, "x", rig.now);
  rig.watch.finished(list, rig.now);
  rig.watch.failed(list, "x", rig.now);
  rig.receive("bytes before the status");
  EXPECT_THAT(rig.take(), IsEmpty());
  rig.respond(200);
  rig.receive(event("ADDED", object("b", "6")));
  EXPECT_THAT(rig.take(), ElementsAre("upsert b@6"));
}

}  // namespace
}  // namespace socketmesh::kube

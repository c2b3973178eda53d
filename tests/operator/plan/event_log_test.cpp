#include "operator/plan/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using namespace std::chrono_literals;
using Kind = EventLog::Kind;

Event event(const std::string& message, const std::string& mesh = "chat") {
  Event made;
  made.about = {"socketmesh.io/v1alpha1", "SocketMesh", "default", mesh, "uid-" + mesh};
  made.warning = true;
  made.reason = "ObjectRefused";
  made.action = "Reconcile";
  made.message = message;
  return made;
}

constexpr UnixTime kWall = 1'795'426'731s;

TEST(EventLog, TheFirstIsCreatedAndRepeatsAreCounted) {
  EventLog log;
  const auto first = log.tell(event("no"), 0s, kWall);
  EXPECT_EQ(first.kind, Kind::kCreate);
  EXPECT_THAT(first.name, testing::MatchesRegex("chat\\.[0-9a-f]{16}"));
  EXPECT_EQ(log.tell(event("no"), 10s, kWall).kind, Kind::kDrop) << "too soon";
  EXPECT_EQ(log.tell(event("no"), 59s, kWall).kind, Kind::kDrop);
  const auto again = log.tell(event("no"), 60s, kWall);
  EXPECT_EQ(again.kind, Kind::kRepeat);
  EXPECT_EQ(again.name, first.name);
  EXPECT_EQ(again.count, 4U) << "the quiet ones count";
  EXPECT_EQ(log.tell(event("no"), 119s, kWall).kind, Kind::kDrop);
}

TEST(EventLog, AnotherMessageIsAnotherEvent) {
  EventLog log;
  const auto first = log.tell(event("no"), 0s, kWall);
  const auto second = log.tell(event("never"), 0s, kWall);
  EXPECT_EQ(second.kind, Kind::kCreate);
  EXPECT_NE(first.name, second.name);
  EXPECT_EQ(log.tell(event("no", "game"), 0s, kWall).kind, Kind::kCreate);
}

TEST(EventLog, OneThatWasQuietForLongStartsAnew) {
  EventLog log;
  const auto first = log.tell(event("no"), 0s, kWall);
  const auto later = log.tell(event("no"), kEventLifetime, kWall + kEventLifetime);
  EXPECT_EQ(later.kind, Kind::kCreate);
  EXPECT_NE(later.name, first.name);
}

TEST(EventLog, OneThatCouldNotBeWrittenIsToldAgain) {
  EventLog log;
  log.tell(event("no"), 0s, kWall);
  log.forget(event("no"));
  log.forget(event("never told"));
  EXPECT_EQ(log.tell(event("no"), 1s, kWall).kind, Kind::kCreate);
  EXPECT_EQ(log.size(), 1U);
}

TEST(EventLog, AFloodAboutOneObjectIsCut) {
  EventLog log;
  for (std::uint32_t i = 0; i < kEventBurst; ++i)
    EXPECT_EQ(log.tell(event(std::to_string(i)), 0s, kWall).kind, Kind::kCreate) << i;
  EXPECT_EQ(log.tell(event("one more"), 0s, kWall).kind, Kind::kDrop);
  EXPECT_EQ(log.dropped(), 1U);
  EXPECT_EQ(log.tell(event("about another", "game"), 0s, kWall).kind, Kind::kCreate);
  EXPECT_EQ(log.tell(event("one more"), kEventInterval, kWall).kind, Kind::kCreate);
  EXPECT_EQ(log.tell(event("and one"), kEventInterval, kWall).kind, Kind::kDrop);
}

TEST(EventLog, RemembersNoMoreThanItsLimit) {
  EventLog log;
  for (std::size_t i = 0; i <= kEventsMax; ++i)
    EXPECT_EQ(log.tell(event("no", "m" + std::to_string(i)), 0s, kWall).kind, Kind::kCreate);
  EXPECT_EQ(log.size(), kEventsMax);
  EXPECT_EQ(log.tell(event("no", "m1"), 60s, kWall).kind, Kind::kRepeat) << "still known";
  EXPECT_EQ(log.tell(event("no", "m0"), 60s, kWall).kind, Kind::kCreate) << "told longest ago";
  EXPECT_EQ(log.size(), kEventsMax);
}

TEST(EventJson, SaysWhatKubernetesWants) {
  const auto json = event_json(event("no"), "chat.1", "pod-1", kWall);
  EXPECT_EQ(json["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(json["metadata"]["namespace"], "default");
  EXPECT_EQ(json["eventTime"], "2026-11-23T09:38:51.000000Z");
  EXPECT_EQ(json["type"], "Warning");
  EXPECT_EQ(json["note"], "no");
  EXPECT_EQ(json["regarding"]["uid"], "uid-chat");
  EXPECT_EQ(json["regarding"]["namespace"], "default");
  EXPECT_EQ(json["reportingInstance"], "pod-1");
  EXPECT_EQ(series_json(3, kWall)["series"]["count"], 3);
}

TEST(EventJson, CutsALongNoteAtItsLimitBetweenCharacters) {
  const std::string longest(kEventNoteBytesMax, 'x');
  EXPECT_EQ(event_json(event(longest), "n", "i", kWall)["note"], longest);
  const std::string cut = event_json(event(longest + "x"), "n", "i", kWall)["note"];
  EXPECT_EQ(cut.size(), kEventNoteBytesMax);
  EXPECT_TRUE(cut.ends_with("..."));
  std::string umlauts;
  for (std::size_t i = 0; i < kEventNoteBytesMax; ++i) umlauts += "ü";
  EXPECT_NO_THROW(static_cast<void>(event_json(event("x" + umlauts), "n", "i", kWall).dump()));
  EXPECT_NO_THROW(static_cast<void>(event_json(event(umlauts), "n", "i", kWall).dump()));
}

TEST(EventJson, NamesStayWithinTheirLimit) {
  EventLog log;
  EXPECT_EQ(log.tell(event("no", std::string(253, 'a')), 0s, kWall).name.size(), 253U);
}

}  // namespace
}  // namespace socketmesh::op::plan

#include "operator/plan/drift.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const LiveObject kLive{"uid-1", "mesh-1", "hash-1", 7, false};
const AppliedObject kApplied{"uid-1", "hash-1", 7};

TEST(Drift, NothingToDoNeedsHashAndFingerprint) {
  EXPECT_EQ(decide("hash-1", &kLive, &kApplied, "mesh-1"), Decision::kNothing);
  EXPECT_EQ(decide("hash-2", &kLive, &kApplied, "mesh-1"), Decision::kApply) << "wanted changed";

  LiveObject touched = kLive;
  touched.fingerprint = 8;
  EXPECT_EQ(decide("hash-1", &touched, &kApplied, "mesh-1"), Decision::kApply);
  LiveObject stripped = kLive;
  stripped.hash.clear();
  EXPECT_EQ(decide("hash-1", &stripped, &kApplied, "mesh-1"), Decision::kApply);
  LiveObject anew = kLive;
  anew.uid = "uid-2";
  EXPECT_EQ(decide("hash-1", &anew, &kApplied, "mesh-1"), Decision::kApply);
}

TEST(Drift, AnotherPlansApplyDoesNotCount) {
  const AppliedObject older{"uid-1", "hash-0", 7};
  EXPECT_EQ(decide("hash-1", &kLive, &older, "mesh-1"), Decision::kApply);
}

TEST(Drift, AfterARestartEachObjectIsAppliedOnce) {
  EXPECT_EQ(decide("hash-1", &kLive, nullptr, "mesh-1"), Decision::kApply);
}

TEST(Drift, WhatIsAbsentIsCreated) {
  EXPECT_EQ(decide("hash-1", nullptr, nullptr, "mesh-1"), Decision::kCreate);
  EXPECT_EQ(decide("hash-1", nullptr, &kApplied, "mesh-1"), Decision::kCreate);
}

TEST(Drift, ForeignObjectsAreLeftAlone) {
  for (const char* owner : {"", "mesh-2"}) {
    LiveObject foreign = kLive;
    foreign.controller_uid = owner;
    EXPECT_EQ(decide("hash-1", &foreign, &kApplied, "mesh-1"), Decision::kConflict);
    EXPECT_EQ(decide("hash-1", &foreign, nullptr, "mesh-1"), Decision::kConflict);
    EXPECT_FALSE(may_delete(foreign, "mesh-1"));
  }
}

TEST(Drift, WhatGoesAwayIsWaitedFor) {
  LiveObject going = kLive;
  going.deleting = true;
  EXPECT_EQ(decide("hash-1", &going, &kApplied, "mesh-1"), Decision::kWait);
  EXPECT_FALSE(may_delete(going, "mesh-1"));
  EXPECT_TRUE(may_delete(kLive, "mesh-1"));
}

json entry(const char* manager, const char* time, const char* subresource = nullptr) {
  json made = {{"manager", manager}, {"operation", "Update"}, {"time", time}};
  if (subresource != nullptr) made["subresource"] = subresource;
  return made;
}

TEST(Fingerprint, ChangesWithManagersAndTimes) {
  const json before = {entry("us", "10:00")};
  EXPECT_EQ(fingerprint(before, true), fingerprint(before, true));
  EXPECT_NE(fingerprint(before, true), fingerprint({entry("us", "10:01")}, true));
  EXPECT_NE(fingerprint(before, true), fingerprint({entry("them", "10:00")}, true));
  EXPECT_NE(fingerprint(before, true),
            fingerprint({entry("us", "10:00"), entry("them", "10:00")}, true));
  json fields = before;
  fields[0]["fieldsV1"] = {{"f:spec", {{"f:replicas", json::object()}}}};
  EXPECT_NE(fingerprint(before, true), fingerprint(fields, true));
}

TEST(Fingerprint, TheStatusIsNobodysBusiness) {
  const json before = {entry("us", "10:00")};
  const json after = {entry("us", "10:00"), entry("controller", "10:05", "status")};
  EXPECT_EQ(fingerprint(before, true), fingerprint(after, true));
}

TEST(Fingerprint, ScalingCountsOnlyWhereReplicasAreOurs) {
  const json before = {entry("us", "10:00")};
  const json after = {entry("us", "10:00"), entry("autoscaler", "10:05", "scale")};
  EXPECT_NE(fingerprint(before, true), fingerprint(after, true));
  EXPECT_EQ(fingerprint(before, false), fingerprint(after, false));
}

TEST(Fingerprint, WhatIsNoListIsLikeNone) {
  EXPECT_EQ(fingerprint(json(), true), fingerprint(json::array(), true));
  EXPECT_EQ(fingerprint("text", true), fingerprint(json::array(), true));
  EXPECT_NO_THROW(fingerprint({1, "two", nullptr}, true));
}

TEST(RepairPace, AfterSomeRepairsItIsOneAWindow) {
  RepairPace pace;
  for (std::uint32_t i = 0; i < RepairPace::kRepairsMax; ++i)
    EXPECT_EQ(pace.admit(10s + i * 1s), std::nullopt) << i;
  EXPECT_EQ(pace.admit(15s), 55s);
  EXPECT_EQ(pace.admit(69s), 1s);
  EXPECT_EQ(pace.admit(70s), std::nullopt);
  EXPECT_EQ(pace.admit(71s), 59s) << "the fight goes on: one a window";
  EXPECT_EQ(pace.admit(130s), std::nullopt);
  for (std::uint32_t i = 0; i < RepairPace::kRepairsMax; ++i)
    EXPECT_EQ(pace.admit(300s), std::nullopt) << "peace was made: " << i;
  EXPECT_NE(pace.admit(300s), std::nullopt);
}

}  // namespace
}  // namespace socketmesh::op::plan

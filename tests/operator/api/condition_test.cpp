#include "operator/api/condition.hpp"

#include <gtest/gtest.h>

#include "operator/api/names.hpp"

namespace socketmesh::op::api {
namespace {

constexpr char kThen[] = "2026-01-01T00:00:00Z";
constexpr char kNow[] = "2026-01-01T00:01:00Z";

Condition ready(std::string status, std::string message = "") {
  return {kReady, std::move(status), "Reason", std::move(message), 3, ""};
}

TEST(Condition, KeepsTheTimeOfTheLastChange) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready("False"), kThen);
  set_condition(conditions, ready("False", "other words"), kNow);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].last_transition_time, kThen);
  EXPECT_EQ(conditions[0].message, "other words");
  EXPECT_FALSE(is_true(conditions, kReady));

  set_condition(conditions, ready("True"), kNow);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].last_transition_time, kNow);
  EXPECT_TRUE(is_true(conditions, kReady));
}

TEST(Condition, KeepsTypesApart) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready("True"), kNow);
  set_condition(conditions, {kAvailable, "Unknown", "R", "", 1, ""}, kNow);
  EXPECT_EQ(conditions.size(), 2U);
  EXPECT_EQ(find_condition(conditions, kAvailable)->status, "Unknown");
  EXPECT_EQ(find_condition(conditions, kMeshConverged), nullptr);
  EXPECT_FALSE(is_true(conditions, kMeshConverged));
  remove_condition(conditions, kReady);
  EXPECT_EQ(find_condition(conditions, kReady), nullptr);
  EXPECT_EQ(conditions.size(), 1U);
}

TEST(Condition, ShortensLongMessagesBetweenCharacters) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready("True", std::string(kConditionMessageBytesMax, 'x')), kNow);
  EXPECT_EQ(conditions[0].message, std::string(kConditionMessageBytesMax, 'x'));

  set_condition(conditions, ready("True", std::string(kConditionMessageBytesMax + 1, 'x')), kNow);
  EXPECT_EQ(conditions[0].message, std::string(kConditionMessageBytesMax - 3, 'x') + "...");

  std::string umlauts = "x";
  while (umlauts.size() <= kConditionMessageBytesMax) umlauts += "ü";
  set_condition(conditions, ready("True", umlauts), kNow);
  const std::string& message = conditions[0].message;
  EXPECT_EQ(message.size(), kConditionMessageBytesMax);
  EXPECT_EQ(message.substr(message.size() - 5), "ü...");
}

TEST(Condition, SurvivesJson) {
  Condition condition = ready("Unknown", "message");
  condition.last_transition_time = kNow;
  EXPECT_EQ(parse_condition(to_json(condition)), condition);
}

TEST(Condition, ReadsWhatIsNone) {
  EXPECT_EQ(parse_condition("text"), Condition());
  EXPECT_EQ(parse_condition({{"type", 1}, {"observedGeneration", "2"}}), Condition());
}

}  // namespace
}  // namespace socketmesh::op::api

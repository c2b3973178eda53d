// Conditions of a status, as Kubernetes has them: one entry a type, and the time of the last
// change of its status. Times are RFC 3339 texts that the caller gives. Plain values.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace socketmesh::op::api {

// The API server's own limit on a message is 32,768 bytes.
inline constexpr std::size_t kConditionMessageBytesMax = 1024;

struct Condition {
  std::string type;
  std::string status;  // True, False, Unknown
  std::string reason;  // CamelCase
  std::string message;
  std::int64_t observed_generation = 0;
  std::string last_transition_time;  // RFC 3339

  bool operator==(const Condition&) const = default;
};

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type);

// Whether the condition is there and True.
bool is_true(const std::vector<Condition>& conditions, std::string_view type);

// Adds or replaces the condition of that type. last_transition_time becomes `now`, unless the
// status is what it was. Longer messages than kConditionMessageBytesMax end in "...".
void set_condition(std::vector<Condition>& conditions, Condition condition, std::string_view now);

void remove_condition(std::vector<Condition>& conditions, std::string_view type);

nlohmann::json to_json(const Condition& condition);
// What is missing or of the wrong type stays empty.
Condition parse_condition(const nlohmann::json& object);

}  // namespace socketmesh::op::api

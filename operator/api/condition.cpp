#include "operator/api/condition.hpp"

#include <algorithm>

#include "operator/api/json_access.hpp"

namespace socketmesh::op::api {
namespace {

auto of_type(std::string_view type) {
  return [type](const Condition& condition) { return condition.type == type; };
}

// Never cuts a UTF-8 character in two.
void shorten(std::string& message) {
  constexpr std::string_view kEllipsis = "...";
  if (message.size() <= kConditionMessageBytesMax) return;
  std::size_t size = kConditionMessageBytesMax - kEllipsis.size();
  while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xC0U) == 0x80U) --size;
  message.resize(size);
  message += kEllipsis;
}

}  // namespace

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::find_if(conditions.begin(), conditions.end(), of_type(type));
  return found == conditions.end() ? nullptr : &*found;
}

bool is_true(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = find_condition(conditions, type);
  return condition != nullptr && condition->status == "True";
}

void set_condition(std::vector<Condition>& conditions, Condition condition, std::string_view now) {
  shorten(condition.message);
  const auto old = std::find_if(conditions.begin(), conditions.end(), of_type(condition.type));
  if (old == conditions.end()) {
    condition.last_transition_time = now;
    conditions.push_back(std::move(condition));
    return;
  }
  const bool same = old->status == condition.status && !old->last_transition_time.empty();
  condition.last_transition_time = same ? old->last_transition_time : std::string(now);
  *old = std::move(condition);
}

void remove_condition(std::vector<Condition>& conditions, std::string_view type) {
  std::erase_if(conditions, of_type(type));
}

nlohmann::json to_json(const Condition& condition) {
  return {{"type", condition.type},
          {"status", condition.status},
          {"reason", condition.reason},
          {"message", condition.message},
          {"observedGeneration", condition.observed_generation},
          {"lastTransitionTime", condition.last_transition_time}};
}

Condition parse_condition(const nlohmann::json& object) {
  return {text_at(object, "type"),
          text_at(object, "status"),
          text_at(object, "reason"),
          text_at(object, "message"),
          integer_at(object, "observedGeneration").value_or(0),
          text_at(object, "lastTransitionTime")};
}

}  // namespace socketmesh::op::api

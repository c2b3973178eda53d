// Reads JSON whose shape nobody promised: nothing here throws, what is absent or of another type
// reads as nothing. Pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace socketmesh::op::api {

// The member, or null.
inline const nlohmann::json& member(const nlohmann::json& object, const char* key) {
  static const nlohmann::json nothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : nothing;
}

// A text, or empty.
inline std::string text_at(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// A whole number, or nothing.
inline std::optional<std::int64_t> integer_at(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = member(object, key);
  if (!value.is_number_integer()) return std::nullopt;
  constexpr auto kMax = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMax) return std::nullopt;
  return value.get<std::int64_t>();
}

// The members that are texts.
inline std::map<std::string, std::string> strings_at(const nlohmann::json& object,
                                                     const char* key) {
  std::map<std::string, std::string> strings;
  const nlohmann::json& value = member(object, key);
  if (!value.is_object()) return strings;
  for (const auto& [name, entry] : value.items()) {
    if (entry.is_string()) strings.emplace(name, entry.get<std::string>());
  }
  return strings;
}

}  // namespace socketmesh::op::api

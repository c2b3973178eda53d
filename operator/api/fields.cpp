#include "operator/api/fields.hpp"

#include <algorithm>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"
#include "operator/api/json_access.hpp"

namespace socketmesh::op::api {
namespace {

const json& empty_object() {
  static const json empty = json::object();
  return empty;
}

template <typename Words>
std::string join(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

std::string must_be(std::string_view wanted, const json& value) {
  return "must be " + std::string(wanted) + ", not " + std::string(describe(value));
}

template <typename T, typename Format>
std::string out_of_range(const std::string& text, T min, T max, Format format) {
  return text + " is out of range: " + format(min) + " to " + format(max);
}

}  // namespace

std::string_view describe(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "a map";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a text";
    case json::value_t::boolean:
      return "a bool";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return "a number";
    default:
      return "nothing";
  }
}

Fields::Fields(const json& object, std::string path, Problems& problems)
    : object_(object.is_object() ? object : empty_object()),
      path_(std::move(path)),
      problems_(problems) {
  if (!object.is_object()) problems_.push_back({path_, must_be("a map", object)});
}

std::string Fields::path_of(std::string_view key) const {
  if (path_.empty()) return std::string(key);
  return key.empty() ? path_ : path_ + "." + std::string(key);
}

void Fields::complain(std::string_view key, std::string message) {
  problems_.push_back({path_of(key), std::move(message)});
}

const json* Fields::take(const char* key) {
  known_.insert(key);
  const auto found = object_.find(key);
  if (found == object_.end()) return nullptr;
  if (!found->is_null()) return &*found;
  complain(key, "is empty; write a value, or leave the field out");
  return nullptr;
}

const json* Fields::take_object(const char* key) {
  const json* value = take(key);
  if (value == nullptr || value->is_object()) return value;
  complain(key, must_be("a map", *value));
  return nullptr;
}

const json* Fields::take_array(const char* key, std::size_t items_min, std::size_t items_max) {
  const json* value = take(key);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    complain(key, must_be("a list", *value));
    return nullptr;
  }
  if (value->size() < items_min) complain(key, "is empty; needs at least one item");
  if (value->size() > items_max) {
    complain(key, "has too many items; at most " + std::to_string(items_max));
  }
  return value;
}

void Fields::require(const char* key) {
  if (!object_.contains(key)) complain(key, "is needed");
}

void Fields::require_text(const char* key) {
  require(key);
  const json* value = take_text(key);
  if (value != nullptr && value->get_ref<const std::string&>().empty()) complain(key, "is empty");
}

void Fields::check_texts(const char* key, const json& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_string()) continue;
    complain(std::string(key) + "[" + std::to_string(i) + "]", must_be("a text", list[i]));
  }
}

const json* Fields::take_text(const char* key) {
  const json* value = take(key);
  if (value == nullptr || value->is_string()) return value;
  complain(key, must_be("a text", *value));
  return nullptr;
}

void Fields::text(const char* key, std::string& target, std::size_t bytes_max) {
  const json* value = take_text(key);
  if (value == nullptr) return;
  const auto& text = value->get_ref<const std::string&>();
  if (text.empty()) {
    complain(key, "is empty; write a value, or leave the field out");
  } else if (text.size() > bytes_max) {
    complain(key, "is too long; at most " + std::to_string(bytes_max) + " characters");
  } else {
    target = text;
  }
}

void Fields::one_of(const char* key, std::string& target,
                    std::initializer_list<std::string_view> choices) {
  const json* value = take_text(key);
  if (value == nullptr) return;
  const auto& text = value->get_ref<const std::string&>();
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
    target = text;
  } else {
    complain(key, in_quotes(text) + " is not one of " + join(choices));
  }
}

void Fields::integer(const char* key, std::int32_t& target, std::int32_t min, std::int32_t max) {
  const json* value = take(key);
  if (value == nullptr) return;
  if (!value->is_number_integer()) return complain(key, must_be("a whole number", *value));
  const auto number = integer_at(object_, key);
  if (number && *number >= min && *number <= max) {
    target = static_cast<std::int32_t>(*number);
  } else {
    complain(key, out_of_range(value->dump(), min, max, [](auto n) { return std::to_string(n); }));
  }
}

void Fields::boolean(const char* key, bool& target) {
  const json* value = take(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return complain(key, must_be("true or false", *value));
  target = value->get<bool>();
}

void Fields::duration(const char* key, milliseconds& target, milliseconds min, milliseconds max) {
  const json* value = take_text(key);
  if (value == nullptr) return;
  const auto& text = value->get_ref<const std::string&>();
  const auto duration = parse_duration(text);
  if (!duration) return complain(key, duration.error());
  // Also what CEL of the CRD can compare without surprises.
  if (text.ends_with("ms")) return complain(key, in_quotes(text) + " is not in whole seconds");
  if (*duration < min || *duration > max) {
    return complain(key, out_of_range(in_quotes(text), min, max, format_duration));
  }
  target = *duration;
}

void Fields::size(const char* key, std::uint64_t& target, std::uint64_t min, std::uint64_t max) {
  const json* value = take_text(key);
  if (value == nullptr) return;
  const auto& text = value->get_ref<const std::string&>();
  const auto size = parse_size(text);
  if (!size) return complain(key, size.error());
  if (text.ends_with('B')) {
    return complain(key, in_quotes(text) + " is not how Kubernetes writes sizes; leave out the B");
  }
  if (*size < min || *size > max) {
    return complain(key, out_of_range(in_quotes(text), min, max, format_size));
  }
  target = *size;
}

void Fields::strings(const char* key, Strings& target) {
  const json* value = take_object(key);
  if (value == nullptr) return;
  for (const auto& [name, entry] : value->items()) {
    if (entry.is_string()) {
      target[name] = entry.get<std::string>();
    } else {
      complain(std::string(key) + "[" + name + "]", must_be("a text", entry));
    }
  }
}

void Fields::finish(UnknownFields unknown) {
  if (unknown == UnknownFields::kIgnore) return;
  for (const auto& [key, value] : object_.items()) {
    if (!known_.contains(key)) complain(key, "is not a field here; known are " + join(known_));
  }
}

}  // namespace socketmesh::op::api

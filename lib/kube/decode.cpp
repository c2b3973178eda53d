#include "lib/kube/decode.hpp"

#include <utility>

namespace socketmesh::kube {
namespace {

using nlohmann::json;

// A text member; empty when it is absent or no text.
std::string_view text_of(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

// A text member that may be absent or null; nothing when it is something else.
Expected<std::string> optional_text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return Unexpected{std::string("metadata.") + key + " is no text"};
}

Expected<WatchEvent::Type> event_type(std::string_view text) {
  using Type = WatchEvent::Type;
  if (text == "ADDED") return Type::kAdded;
  if (text == "MODIFIED") return Type::kModified;
  if (text == "DELETED") return Type::kDeleted;
  if (text == "BOOKMARK") return Type::kBookmark;
  if (text == "ERROR") return Type::kError;
  return Unexpected{"an event of an unknown type"};
}

void read_status(const json& status, WatchEvent& event) {
  const auto code = status.find("code");
  constexpr std::int64_t kCodeMax = 999;
  if (code != status.end() && code->is_number_integer()) {
    const auto value = code->get<std::int64_t>();
    if (value > 0 && value <= kCodeMax) event.error_code = static_cast<unsigned>(value);
  }
  event.error_message = text_of(status, "message");
}

}  // namespace

Expected<json> parse_json(std::string_view text) {
  bool too_deep = false;
  const json::parser_callback_t limit = [&too_deep](int depth, json::parse_event_t event, json&) {
    using Event = json::parse_event_t;
    // The outermost value begins at depth 0.
    const bool begins = event == Event::object_start || event == Event::array_start;
    too_deep = too_deep || (begins && depth >= kJsonDepthMax);
    return !too_deep;
  };
  json value = json::parse(text.begin(), text.end(), limit, false);
  if (too_deep) return Unexpected{"JSON nested too deep"};
  if (value.is_discarded()) return Unexpected{"no JSON"};
  return value;
}

Expected<ListPage> decode_list_page(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return Unexpected{parsed.error()};
  if (!parsed->is_object()) return Unexpected{"a list that is no object"};
  const auto metadata = parsed->find("metadata");
  if (metadata == parsed->end() || !metadata->is_object()) {
    return Unexpected{"a list without metadata"};
  }
  ListPage page;
  page.resource_version = text_of(*metadata, "resourceVersion");
  if (page.resource_version.empty()) return Unexpected{"a list without resourceVersion"};
  auto token = optional_text(*metadata, "continue");
  if (!token) return Unexpected{token.error()};
  page.continue_token = std::move(token).value();

  const auto items = parsed->find("items");
  if (items == parsed->end() || items->is_null()) return page;  // an empty Go slice is null
  if (!items->is_array()) return Unexpected{"a list whose items are no array"};
  page.items.reserve(items->size());
  for (json& item : *items) {
    if (!item.is_object()) return Unexpected{"a list with an item that is no object"};
    page.items.push_back(std::move(item));
  }
  return page;
}

Expected<WatchEvent> decode_watch_event(std::string_view line) {
  auto parsed = parse_json(line);
  if (!parsed) return Unexpected{parsed.error()};
  if (!parsed->is_object()) return Unexpected{"an event that is no object"};
  const auto type = event_type(text_of(*parsed, "type"));
  if (!type) return Unexpected{type.error()};
  const auto object = parsed->find("object");
  if (object == parsed->end() || !object->is_object()) {
    return Unexpected{"an event without an object"};
  }
  WatchEvent event;
  event.type = *type;
  if (event.type == WatchEvent::Type::kError) {
    read_status(*object, event);
    return event;
  }
  event.resource_version = metadata_text(*object, "resourceVersion");
  if (event.resource_version.empty()) return Unexpected{"an event without resourceVersion"};
  if (event.type != WatchEvent::Type::kBookmark) event.object = std::move(*object);
  return event;
}

std::string_view metadata_text(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? std::string_view() : text_of(*metadata, key);
}

std::string status_message(std::string_view body) {
  const auto parsed = parse_json(body);
  return parsed ? std::string(text_of(*parsed, "message")) : std::string();
}

}  // namespace socketmesh::kube

// What Kubernetes sends to a list and to a watch, decoded from JSON text and checked.
//
// Texts come from the network: anything may stand in them. No exceptions; wrong input is an error
// in words. Depth is limited, so that a small text cannot become a deep tree. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"

namespace socketmesh::kube {

inline constexpr int kJsonDepthMax = 64;

// Any JSON value no deeper than kJsonDepthMax.
Expected<nlohmann::json> parse_json(std::string_view text);

// One page of a list of any kind.
struct ListPage {
  std::vector<nlohmann::json> items;  // objects; typed lists leave kind and apiVersion out of them
  std::string resource_version;
  std::string continue_token;  // empty: the last page
};
Expected<ListPage> decode_list_page(std::string_view text);

// One line of a watch.
struct WatchEvent {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kError;
  nlohmann::json object;         // kAdded, kModified; kDeleted: as it was last
  std::string resource_version;  // of all but kError
  unsigned error_code = 0;       // kError: as an HTTP status; 0 when it has none
  std::string error_message;     // kError
};
Expected<WatchEvent> decode_watch_event(std::string_view line);

// metadata.resourceVersion, metadata.name and so on; empty when it is absent or no text.
std::string_view metadata_text(const nlohmann::json& object, const char* key);
// The message of a Status object as the body of a refusal; empty when it is none.
std::string status_message(std::string_view body);

}  // namespace socketmesh::kube

// Request targets of lists and watches: path and query, percent-encoded. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace socketmesh::kube {

// What is listed: "/api/v1/namespaces/default/pods" and its selectors, not encoded; empty: none.
struct Collection {
  std::string path;
  std::string label_selector;
  std::string field_selector;
};

// RFC 3986: everything but unreserved characters is encoded.
std::string percent_encoded(std::string_view text);

// `continue_token` is empty for the first page.
std::string list_target(const Collection& collection, std::uint32_t page_size,
                        std::string_view continue_token);
std::string watch_target(const Collection& collection, std::string_view resource_version,
                         std::chrono::seconds server_timeout);

}  // namespace socketmesh::kube

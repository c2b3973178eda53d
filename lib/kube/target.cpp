#include "lib/kube/target.hpp"

namespace socketmesh::kube {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Appends "?key=value" or "&key=value"; nothing for an empty value.
void add_query(std::string& target, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += key;
  target += '=';
  target += percent_encoded(value);
}

std::string with_selectors(const Collection& collection) {
  std::string target = collection.path;
  add_query(target, "labelSelector", collection.label_selector);
  add_query(target, "fieldSelector", collection.field_selector);
  return target;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 0x0fU];
  }
  return encoded;
}

std::string list_target(const Collection& collection, std::uint32_t page_size,
                        std::string_view continue_token) {
  std::string target = with_selectors(collection);
  add_query(target, "limit", std::to_string(page_size));
  add_query(target, "continue", continue_token);
  return target;
}

std::string watch_target(const Collection& collection, std::string_view resource_version,
                         std::chrono::seconds server_timeout) {
  std::string target = with_selectors(collection);
  add_query(target, "watch", "1");
  add_query(target, "allowWatchBookmarks", "true");
  add_query(target, "resourceVersion", resource_version);
  add_query(target, "timeoutSeconds", std::to_string(server_timeout.count()));
  return target;
}

}  // namespace socketmesh::kube

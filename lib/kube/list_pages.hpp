// Gathers the pages of one list into the whole, within limits. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"
#include "lib/kube/failure.hpp"
#include "lib/kube/list_watch_options.hpp"

namespace socketmesh::kube {

class ListPages {
 public:
  // `options` outlive this.
  explicit ListPages(const ListWatchOptions& options) : options_(options) {}

  // Bytes of the present page, in any cut. False: the page is over its limit.
  bool append(std::string_view bytes);
  // The present page has ended: true when it was the last one, false when another is to follow.
  Expected<bool, Failure> end_page();
  // Where the next page begins; empty for the first one.
  [[nodiscard]] const std::string& continue_token() const { return continue_token_; }

  // The version of the whole, and its objects; only after end_page() said true.
  [[nodiscard]] const std::string& resource_version() const { return resource_version_; }
  std::vector<nlohmann::json> take_objects();

  // Forgets what the present page has so far.
  void clear_page() { body_ = {}; }
  // Forgets everything: a list begins.
  void clear();

 private:
  const ListWatchOptions& options_;
  std::string body_;
  std::vector<nlohmann::json> objects_;
  std::size_t pages_ = 0;
  std::string continue_token_;
  std::string resource_version_;
};

}  // namespace socketmesh::kube

#include "lib/kube/list_pages.hpp"

#include <utility>

#include "lib/kube/decode.hpp"

namespace socketmesh::kube {

bool ListPages::append(std::string_view bytes) {
  if (bytes.size() > options_.limits.page_bytes_max - body_.size()) return false;
  body_.append(bytes);
  return true;
}

Expected<bool, Failure> ListPages::end_page() {
  auto page = decode_list_page(body_);
  body_ = {};
  if (!page) return Unexpected{Failure{FailureKind::kMalformed, 0, page.error()}};
  if (page->items.size() > options_.limits.objects_max - objects_.size()) {
    return Unexpected{Failure{FailureKind::kTooLarge, 0, "a list of too many objects"}};
  }
  if (++pages_ > options_.limits.pages_max) {
    return Unexpected{Failure{FailureKind::kTooLarge, 0, "a list of too many pages"}};
  }
  for (nlohmann::json& object : page->items) {
    if (options_.trim) options_.trim(object);
    objects_.push_back(std::move(object));
  }
  continue_token_ = std::move(page->continue_token);
  resource_version_ = std::move(page->resource_version);
  return continue_token_.empty();
}

std::vector<nlohmann::json> ListPages::take_objects() {
  return std::exchange(objects_, {});
}

void ListPages::clear() {
  body_ = {};
  objects_ = {};
  pages_ = 0;
  continue_token_.clear();
}

}  // namespace socketmesh::kube

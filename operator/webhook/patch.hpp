// An RFC 6902 patch that is small where the new document is the old one with insertions. Pure.
#pragma once

#include <nlohmann/json.hpp>

namespace socketmesh::op::webhook {

// before.patch(make_patch(before, after)) == after, for every pair; an empty array when they are
// equal. Unlike nlohmann::json::diff, which compares lists place by place, an item put first in a
// list is one operation and does not rewrite those after it.
nlohmann::json make_patch(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace socketmesh::op::webhook

#include "operator/webhook/patch.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace socketmesh::op::webhook {
namespace {

using nlohmann::json;
using Pointer = json::json_pointer;

json operation(const char* op, const Pointer& path) {
  return {{"op", op}, {"path", path.to_string()}};
}

json operation(const char* op, const Pointer& path, const json& value) {
  json result = operation(op, path);
  result["value"] = value;
  return result;
}

void diff(const json& before, const json& after, const Pointer& path, json& patch);

// Containers, volumes and environment variables are known by their names.
bool same_item(const json& a, const json& b) {
  if (a == b) return true;
  if (!a.is_object() || !b.is_object()) return false;
  const auto name = a.find("name");
  const auto other = b.find("name");
  return name != a.end() && other != b.end() && name->is_string() && *name == *other;
}

void diff_objects(const json& before, const json& after, const Pointer& path, json& patch) {
  for (const auto& [key, value] : before.items()) {
    if (!after.contains(key)) patch.push_back(operation("remove", path / key));
  }
  for (const auto& [key, value] : after.items()) {
    const auto old = before.find(key);
    if (old == before.end()) {
      patch.push_back(operation("add", path / key, value));
    } else {
      diff(*old, value, path / key, patch);
    }
  }
}

// Whatever has no counterpart was inserted; when that does not explain it, the list is replaced.
void diff_arrays(const json& before, const json& after, const Pointer& path, json& patch) {
  json inserted = json::array();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (kept < before.size() && same_item(before[kept], after[i])) {
      diff(before[kept++], after[i], path / i, inserted);
    } else {
      inserted.push_back(operation("add", path / i, after[i]));
    }
  }
  if (kept < before.size()) {
    patch.push_back(operation("replace", path, after));
    return;
  }
  for (json& step : inserted) patch.push_back(std::move(step));
}

void diff(const json& before, const json& after, const Pointer& path, json& patch) {
  if (before == after) return;
  if (before.is_object() && after.is_object()) {
    diff_objects(before, after, path, patch);
  } else if (before.is_array() && after.is_array()) {
    diff_arrays(before, after, path, patch);
  } else {
    patch.push_back(operation("replace", path, after));
  }
}

}  // namespace

json make_patch(const json& before, const json& after) {
  json patch = json::array();
  diff(before, after, Pointer(), patch);
  return patch;
}

}  // namespace socketmesh::op::webhook

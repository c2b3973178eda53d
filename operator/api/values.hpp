// Values that Kubernetes writes as a number or a text. Pure functions. Internal to operator/api.
#pragma once

#include <nlohmann/json.hpp>

namespace socketmesh::op::api {

// 3, or "0%" to "100%".
bool is_count_or_percent(const nlohmann::json& value);

// An amount of a resource: 2, "100m", "64Mi", "1.5", "1e3". Not negative.
bool is_quantity(const nlohmann::json& value);

}  // namespace socketmesh::op::api

// Values that Kubernetes writes as a number or a text. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace socketmesh::op::api {

// 3, or "0%" to "100%".
bool is_count_or_percent(const nlohmann::json& value);

// An amount of a resource: 2, "100m", "64Mi", "1.5", "1e3". Not negative.
// Nothing when it is none. Exact enough to compare amounts that people write.
std::optional<double> parse_quantity(const nlohmann::json& value);

}  // namespace socketmesh::op::api

// What the webhook asks of a pod before it changes it. Internal to operator/webhook. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace socketmesh::op::webhook {

// Whether the lists and objects that injection reads and extends have those shapes. The API server
// sends no others; anybody who finds the port can.
bool is_well_formed(const nlohmann::json& pod);

// The mesh that the pod wants to join; empty when it does not, opted out, or is the operator's own
// or a static pod's mirror, which nothing can change.
std::string wanted_mesh(const nlohmann::json& pod);

// What stands where the sidecar's things would be, as a phrase: "a container named 'socketmesh'".
// What an earlier pass has put there does not.
std::optional<std::string> find_conflict(const nlohmann::json& pod);

}  // namespace socketmesh::op::webhook

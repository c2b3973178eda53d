// The caBundle of a MutatingWebhookConfiguration. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace socketmesh::op::control {

// What to apply so that every webhook of `configuration` that points to this Service trusts
// `bundle` (PEM); nothing when all do, or none points there.
std::optional<nlohmann::json> bundle_patch(const nlohmann::json& configuration,
                                           const std::string& ns, const std::string& service,
                                           const std::string& bundle);

}  // namespace socketmesh::op::control

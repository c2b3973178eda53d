// The caBundle of a MutatingWebhookConfiguration: how the API server comes to trust the webhook.
//
// `configuration` is what the API server has, from anybody's hand; only the webhooks in it that
// point to this Service are looked at. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/rotation.hpp"

namespace socketmesh::op::control {

struct ServiceName {
  std::string ns;
  std::string name;
};

// What to apply so that every webhook of the Service trusts `bundle` (PEM); nothing when all do,
// or none points there.
std::optional<nlohmann::json> bundle_patch(const nlohmann::json& configuration,
                                           const ServiceName& service, const std::string& bundle);

// What those webhooks trust, as PEM; empty when there is none, or they trust different things.
std::string bundle_of(const nlohmann::json& configuration, const ServiceName& service);

// The API server as the one "sidecar" of the webhook's rotation: a phase waits until the
// configuration has the bundle that the phase wants, and this replica's listener the leaf.
// Nothing known (`configuration` is null): whoever trusts the webhook cannot be asked now.
std::optional<std::vector<plan::SidecarReport>> webhook_reports(const nlohmann::json& configuration,
                                                                const ServiceName& service,
                                                                const std::string& served_pem);

}  // namespace socketmesh::op::control

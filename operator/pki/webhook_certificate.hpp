// The webhook's own certificate: the rotation of a mesh, for another kind of peer.
//
// Two Secrets in the operator's namespace, written by the leader: kWebhookCaSecret and
// kWebhookTlsSecret. All replicas serve the latter's leaf and look for a new one every
// kWebhookRefresh. The one peer that must trust it is the API server, by the `caBundle` of the
// MutatingWebhookConfiguration, which it follows at once. So the phases are the mesh's, with the
// configuration as the only "sidecar":
//   distribute  caBundle has both roots     ends when that was seen, and the dwell has passed
//   sign        a leaf of the new root      ends when our own listener serves it, and the dwell,
//                                           in which the other replicas took it up too
//   clean up    caBundle has the new root
// The caller applies `caBundle` = the TLS Secret's ca.crt after its listener has that Secret's
// leaf. Pure.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/pki/certificates.hpp"
#include "operator/plan/rotation.hpp"

namespace socketmesh::op::pki {

inline constexpr char kWebhookCaSecret[] = "socketmesh-webhook-ca";
inline constexpr char kWebhookTlsSecret[] = "socketmesh-webhook-tls";

inline constexpr plan::seconds kWebhookRefresh = std::chrono::minutes(1);
// Nobody mounts these Secrets and only the API server connects, so leaves may live for months; a
// missed rotation has two months to be noticed.
inline constexpr plan::RotationSettings kWebhookRotation{
    .leaf_validity = std::chrono::hours(90 * 24),
    .rotate_after = std::chrono::hours(30 * 24),
    .dwell = 5 * kWebhookRefresh,
};

// What the rotation's inputs have for sidecars: the configuration (null: not there, or not read),
// and the leaf that this replica's listener serves (empty: none).
std::optional<std::vector<plan::SidecarReport>> webhook_reports(const nlohmann::json& configuration,
                                                                const std::string& served_pem);

// Decoded; empty when its webhooks have none, or not all the same.
std::string ca_bundle_of(const nlohmann::json& configuration);

// For server-side apply: this configuration's webhooks with that caBundle and nothing else; uid and
// resourceVersion are the precondition. Nothing when it has the bundle already, or no webhooks.
std::optional<nlohmann::json> with_ca_bundle(const nlohmann::json& configuration,
                                             const std::string& bundle_pem);

}  // namespace socketmesh::op::pki

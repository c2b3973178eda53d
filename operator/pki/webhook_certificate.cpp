#include "operator/pki/webhook_certificate.hpp"

#include "lib/base/base64.hpp"
#include "operator/api/json_access.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::pki {
namespace {

using nlohmann::json;

// The webhooks; an empty array for anything else.
const json& webhooks_of(const json& configuration) {
  static const json none = json::array();
  const json& webhooks = api::member(configuration, "webhooks");
  return webhooks.is_array() ? webhooks : none;
}

}  // namespace

std::optional<std::vector<plan::SidecarReport>> webhook_reports(const json& configuration,
                                                                const std::string& served_pem) {
  if (configuration.is_null()) return std::nullopt;
  plan::SidecarReport report{"MutatingWebhookConfiguration", {}, {}};
  const std::string bundle = ca_bundle_of(configuration);
  if (!bundle.empty()) report.bundle_sha256 = sha256_hex(bundle);
  if (const auto served = inspect_certificate(served_pem)) {
    report.leaf_not_after = served->not_after;
  }
  return std::vector{report};
}

std::string ca_bundle_of(const json& configuration) {
  std::optional<std::string> bundle;
  for (const json& webhook : webhooks_of(configuration)) {
    const std::string text = api::text_at(api::member(webhook, "clientConfig"), "caBundle");
    if (bundle && *bundle != text) return {};
    bundle = text;
  }
  return base64_decode(bundle.value_or("")).value_or("");
}

std::optional<json> with_ca_bundle(const json& configuration, const std::string& bundle_pem) {
  if (webhooks_of(configuration).empty() || ca_bundle_of(configuration) == bundle_pem) {
    return std::nullopt;
  }
  json metadata = json::object();
  for (const char* key : {"name", "uid", "resourceVersion"}) {
    const std::string text = api::text_at(api::member(configuration, "metadata"), key);
    if (!text.empty()) metadata[key] = text;
  }
  json webhooks = json::array();
  for (const json& webhook : webhooks_of(configuration)) {
    webhooks.push_back({{"name", api::text_at(webhook, "name")},
                        {"clientConfig", {{"caBundle", base64_encode(bundle_pem)}}}});
  }
  return json{{"apiVersion", "admissionregistration.k8s.io/v1"},
              {"kind", "MutatingWebhookConfiguration"},
              {"metadata", std::move(metadata)},
              {"webhooks", std::move(webhooks)}};
}

}  // namespace socketmesh::op::pki

#include "operator/control/ca_bundle.hpp"

#include "lib/base/base64.hpp"
#include "operator/api/json_access.hpp"

namespace socketmesh::op::control {

using api::member;
using api::text_at;
using nlohmann::json;

std::optional<json> bundle_patch(const json& configuration, const std::string& ns,
                                 const std::string& service, const std::string& bundle) {
  const std::string wanted = base64_encode(bundle);
  json webhooks = json::array();
  bool differs = false;
  const json& all = member(configuration, "webhooks");
  if (!all.is_array()) return std::nullopt;
  for (const json& webhook : all) {
    const json& client = member(webhook, "clientConfig");
    const json& target = member(client, "service");
    if (text_at(target, "name") != service || text_at(target, "namespace") != ns) continue;
    differs = differs || text_at(client, "caBundle") != wanted;
    webhooks.push_back(
        {{"name", text_at(webhook, "name")}, {"clientConfig", {{"caBundle", wanted}}}});
  }
  if (!differs) return std::nullopt;
  const json& metadata = member(configuration, "metadata");
  return json{
      {"apiVersion", "admissionregistration.k8s.io/v1"},
      {"kind", "MutatingWebhookConfiguration"},
      {"metadata", {{"name", text_at(metadata, "name")}, {"uid", text_at(metadata, "uid")}}},
      {"webhooks", std::move(webhooks)}};
}

}  // namespace socketmesh::op::control

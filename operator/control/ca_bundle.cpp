#include "operator/control/ca_bundle.hpp"

#include <algorithm>

#include "lib/base/base64.hpp"
#include "lib/digest/sha256.hpp"
#include "operator/api/json_access.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::control {
namespace {

using api::member;
using api::text_at;
using nlohmann::json;

struct Entry {
  std::string name;
  std::string bundle;  // in base64
};

std::vector<Entry> entries_of(const json& configuration, const ServiceName& service) {
  std::vector<Entry> entries;
  const json& all = member(configuration, "webhooks");
  if (!all.is_array()) return entries;
  for (const json& webhook : all) {
    const json& client = member(webhook, "clientConfig");
    const json& target = member(client, "service");
    if (text_at(target, "name") != service.name || text_at(target, "namespace") != service.ns)
      continue;
    entries.push_back({text_at(webhook, "name"), text_at(client, "caBundle")});
  }
  return entries;
}

}  // namespace

std::optional<json> bundle_patch(const json& configuration, const ServiceName& service,
                                 const std::string& bundle) {
  const std::string wanted = base64_encode(bundle);
  const std::vector<Entry> entries = entries_of(configuration, service);
  const auto has_it = [&](const Entry& entry) { return entry.bundle == wanted; };
  if (std::ranges::all_of(entries, has_it)) return std::nullopt;
  json webhooks = json::array();
  for (const Entry& entry : entries)
    webhooks.push_back({{"name", entry.name}, {"clientConfig", {{"caBundle", wanted}}}});
  const json& metadata = member(configuration, "metadata");
  return json{
      {"apiVersion", "admissionregistration.k8s.io/v1"},
      {"kind", "MutatingWebhookConfiguration"},
      {"metadata", {{"name", text_at(metadata, "name")}, {"uid", text_at(metadata, "uid")}}},
      {"webhooks", std::move(webhooks)}};
}

std::string bundle_of(const json& configuration, const ServiceName& service) {
  const std::vector<Entry> entries = entries_of(configuration, service);
  if (entries.empty()) return {};
  const auto differs = [&](const Entry& entry) { return entry.bundle != entries.front().bundle; };
  if (std::ranges::any_of(entries, differs)) return {};
  return base64_decode(entries.front().bundle).value_or("");
}

std::optional<std::vector<plan::SidecarReport>> webhook_reports(const json& configuration,
                                                                const ServiceName& service,
                                                                const std::string& served_pem) {
  if (configuration.is_null()) return std::nullopt;
  plan::SidecarReport report{"MutatingWebhookConfiguration", {}, {}};
  const std::string bundle = bundle_of(configuration, service);
  if (!bundle.empty()) report.bundle_sha256 = sha256_hex(bundle);
  if (const auto served = pki::inspect_certificate(served_pem))
    report.leaf_not_after = served->not_after;
  return std::vector{report};
}

}  // namespace socketmesh::op::control

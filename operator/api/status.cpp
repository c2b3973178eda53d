#include "operator/api/json_access.hpp"
#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {
namespace {

std::int32_t count_at(const json& object, const char* key) {
  const std::int64_t value = integer_at(object, key).value_or(0);
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  return value >= 0 && value <= kMax ? static_cast<std::int32_t>(value) : 0;
}

void put(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

json to_json(const CertificatesStatus& certificates) {
  json object = json::object();
  put(object, "phase", certificates.phase);
  put(object, "leafNotAfter", certificates.leaf_not_after);
  put(object, "rootNotAfter", certificates.root_not_after);
  return object;
}

}  // namespace

json to_json(const Status& status) {
  json object = {{"observedGeneration", status.observed_generation},
                 {"desiredReplicas", status.desired_replicas},
                 {"replicas", status.replicas},
                 {"readyReplicas", status.ready_replicas}};
  put(object, "selector", status.selector);
  if (status.members) object["members"] = *status.members;
  put(object, "sidecarRevision", status.sidecar_revision);
  if (json certificates = to_json(status.certificates); !certificates.empty()) {
    object["certificates"] = std::move(certificates);
  }
  json& conditions = object["conditions"] = json::array();
  for (const Condition& condition : status.conditions) conditions.push_back(to_json(condition));
  return object;
}

Status parse_status(const json& object) {
  Status status;
  status.observed_generation = integer_at(object, "observedGeneration").value_or(0);
  status.desired_replicas = count_at(object, "desiredReplicas");
  status.replicas = count_at(object, "replicas");
  status.ready_replicas = count_at(object, "readyReplicas");
  status.selector = text_at(object, "selector");
  if (integer_at(object, "members")) status.members = count_at(object, "members");
  status.sidecar_revision = text_at(object, "sidecarRevision");
  const json& certificates = member(object, "certificates");
  status.certificates = {text_at(certificates, "phase"), text_at(certificates, "leafNotAfter"),
                         text_at(certificates, "rootNotAfter")};
  const json& conditions = member(object, "conditions");
  if (conditions.is_array()) {
    for (const json& condition : conditions) {
      status.conditions.push_back(parse_condition(condition));
    }
  }
  return status;
}

}  // namespace socketmesh::op::api

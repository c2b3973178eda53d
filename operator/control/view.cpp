#include "operator/control/view.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <tuple>

#include "lib/base/parse.hpp"
#include "operator/api/json_access.hpp"
#include "operator/plan/sidecar_pod.hpp"

namespace socketmesh::op::control {
namespace {

using api::integer_at;
using api::member;
using api::text_at;
using nlohmann::json;

// What managedFields come down to.
constexpr char kDigest[] = "managedFieldsDigest";

bool flag_at(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::int32_t count_at(const json& object, const char* key) {
  const std::int64_t value = integer_at(object, key).value_or(0);
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(value, 0, std::numeric_limits<std::int32_t>::max()));
}

// The members of these names, where they are there.
json only(const json& object, std::initializer_list<const char*> keys) {
  json kept = json::object();
  for (const char* key : keys)
    if (const json& value = member(object, key); !value.is_null()) kept[key] = value;
  return kept;
}

const json* condition_of(const json& status, const char* type) {
  const json& conditions = member(status, "conditions");
  if (!conditions.is_array()) return nullptr;
  for (const json& condition : conditions)
    if (text_at(condition, "type") == type) return &condition;
  return nullptr;
}

bool is_true(const json* condition) {
  return condition != nullptr && text_at(*condition, "status") == "True";
}

plan::DeploymentStatus read_deployment(const json& object) {
  const json& status = member(object, "status");
  plan::DeploymentStatus seen;
  seen.wanted = count_at(member(object, "spec"), "replicas");
  seen.replicas = count_at(status, "replicas");
  seen.ready = count_at(status, "readyReplicas");
  seen.observed = integer_at(status, "observedGeneration").value_or(0) >=
                  integer_at(member(object, "metadata"), "generation").value_or(0);
  seen.available = is_true(condition_of(status, "Available"));
  if (const json* failure = condition_of(status, "ReplicaFailure"); is_true(failure)) {
    seen.trouble = text_at(*failure, "message");
  } else if (const json* progress = condition_of(status, "Progressing");
             progress != nullptr && text_at(*progress, "status") == "False") {
    seen.trouble = text_at(*progress, "message");
  }
  return seen;
}

json digest_of(const json& managed_fields) {
  const bool owns = plan::owns_replicas(managed_fields);
  return {{"replicas", owns}, {"fingerprint", plan::fingerprint(managed_fields, owns)}};
}

}  // namespace

std::uint64_t version_of(const json& object) {
  return parse_uint(text_at(member(object, "metadata"), "resourceVersion")).value_or(0);
}

std::string controller_of(const json& object) {
  const json& owners = member(member(object, "metadata"), "ownerReferences");
  if (!owners.is_array()) return {};
  for (const json& owner : owners)
    if (flag_at(owner, "controller")) return text_at(owner, "uid");
  return {};
}

std::string MeshRecord::key() const {
  return mesh.metadata.namespace_name + "/" + mesh.metadata.name;
}

bool MeshRecord::wants_other(const MeshRecord& before) const {
  const auto parts = [](const api::Metadata& m) {
    return std::tie(m.uid, m.generation, m.labels, m.annotations, m.deleting);
  };
  return parts(mesh.metadata) != parts(before.mesh.metadata);
}

void trim_mesh(json& object) {
  if (!member(object, "metadata").is_object()) return;
  json& metadata = object["metadata"];
  metadata.erase("managedFields");
  if (member(metadata, "annotations").is_object())
    metadata["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
}

MeshRecord read_mesh(const json& object) {
  MeshRecord record;
  record.version = version_of(object);
  if (auto parsed = api::parse(object)) {
    record.mesh = std::move(*parsed);
  } else {
    record.problems = parsed.error();
    record.mesh.metadata = api::parse_metadata(object);
    record.mesh.status = api::parse_status(member(object, "status"));
  }
  return record;
}

void trim_owned(json& object) {
  const json& metadata = member(object, "metadata");
  json kept = only(object, {"apiVersion", "kind"});
  kept["metadata"] = only(metadata, {"name", "namespace", "uid", "resourceVersion", "generation",
                                     "labels", "ownerReferences", "deletionTimestamp"});
  kept["metadata"]["annotations"] =
      only(member(metadata, "annotations"),
           {api::kHashAnnotation, api::kTemplateHashAnnotation, api::kRevisionAnnotation});
  const json& digest = member(object, kDigest);
  kept[kDigest] = digest.is_object() ? digest : digest_of(member(metadata, "managedFields"));
  if (text_at(object, "kind") == "Deployment") {
    kept["spec"] = only(member(object, "spec"), {"replicas"});
    kept["status"] = only(member(object, "status"),
                          {"observedGeneration", "replicas", "readyReplicas", "conditions"});
  }
  object = std::move(kept);
}

OwnedObject read_owned(json object) {
  trim_owned(object);
  const json& metadata = member(object, "metadata");
  const json& digest = member(object, kDigest);
  OwnedObject owned;
  owned.id = {text_at(object, "apiVersion"), text_at(object, "kind"),
              text_at(metadata, "namespace"), text_at(metadata, "name")};
  owned.mesh = text_at(member(metadata, "labels"), api::kMeshLabel);
  owned.version = version_of(object);
  owned.live.uid = text_at(metadata, "uid");
  owned.live.controller_uid = controller_of(object);
  owned.live.hash = text_at(member(metadata, "annotations"), api::kHashAnnotation);
  owned.live.deleting = member(metadata, "deletionTimestamp").is_string();
  owned.live.fingerprint = member(digest, "fingerprint").get<std::uint64_t>();
  owned.record = plan::read_record(metadata);
  if (owned.id.kind == "Deployment") {
    owned.owns_replicas = flag_at(digest, "replicas");
    owned.deployment = read_deployment(object);
  }
  return owned;
}

bool PodRecord::same_but_version(const PodRecord& other) const {
  const auto parts = [](const PodRecord& p) {
    return std::tie(p.namespace_name, p.name, p.uid, p.mesh, p.address, p.ready, p.sidecar,
                    p.sidecar_started, p.opted_out, p.ended, p.deleting);
  };
  return parts(*this) == parts(other);
}

void trim_pod(json& object) {
  const json& metadata = member(object, "metadata");
  const json& status = member(object, "status");
  json kept = {{"metadata", only(metadata, {"name", "namespace", "uid", "resourceVersion", "labels",
                                            "deletionTimestamp"})}};
  kept["metadata"]["annotations"] = only(member(metadata, "annotations"), {api::kInjectAnnotation});
  json& containers = kept["spec"]["initContainers"] = json::array();
  if (const json& all = member(member(object, "spec"), "initContainers"); all.is_array())
    for (const json& container : all) containers.push_back(only(container, {"name"}));
  kept["status"] = only(status, {"phase", "podIP"});
  if (const json* ready = condition_of(status, "Ready"))
    kept["status"]["conditions"] = json::array({only(*ready, {"type", "status"})});
  json& statuses = kept["status"]["initContainerStatuses"] = json::array();
  if (const json& all = member(status, "initContainerStatuses"); all.is_array())
    for (const json& one : all) statuses.push_back(only(one, {"name", "started"}));
  object = std::move(kept);
}

PodRecord read_pod(const json& object) {
  const json& metadata = member(object, "metadata");
  const json& status = member(object, "status");
  const std::string phase = text_at(status, "phase");
  PodRecord pod;
  pod.namespace_name = text_at(metadata, "namespace");
  pod.name = text_at(metadata, "name");
  pod.uid = text_at(metadata, "uid");
  pod.mesh = text_at(member(metadata, "labels"), api::kMeshLabel);
  pod.address = text_at(status, "podIP");
  pod.ready = is_true(condition_of(status, "Ready"));
  pod.sidecar = plan::has_sidecar(object);
  if (const json& all = member(status, "initContainerStatuses"); all.is_array())
    for (const json& one : all)
      if (text_at(one, "name") == api::kSidecarContainer)
        pod.sidecar_started = flag_at(one, "started");
  pod.opted_out = text_at(member(metadata, "annotations"), api::kInjectAnnotation) == "false";
  pod.ended = phase == "Succeeded" || phase == "Failed";
  pod.deleting = member(metadata, "deletionTimestamp").is_string();
  pod.version = version_of(object);
  return pod;
}

}  // namespace socketmesh::op::control

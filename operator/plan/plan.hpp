// From a SocketMesh to the Kubernetes objects that it means: a pure function.
//
// The same input gives the same bytes. Secrets are not planned here: control makes them from
// operator/pki. The order of `objects` is the order to apply them in (what others refer to first).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/socket_mesh.hpp"
#include "operator/plan/settings.hpp"

namespace socketmesh::op::plan {

using nlohmann::json;

struct ObjectId {
  std::string api_version;  // "apps/v1"
  std::string kind;         // "Deployment"
  std::string namespace_name;
  std::string name;

  auto operator<=>(const ObjectId&) const = default;
};

ObjectId id_of(const json& object);

// The annotations that an earlier plan left on record_id(): what the running pods are made from.
struct Record {
  std::string template_hash;     // kTemplateHashAnnotation
  std::string sidecar_revision;  // kRevisionAnnotation

  bool operator==(const Record&) const = default;
};

// The object that carries the record: the Deployment; in labelled mode the ConfigMap.
ObjectId record_id(const api::SocketMesh& mesh);
// `metadata` of that object.
Record read_record(const json& metadata);

// The live Deployment, where there is one that this mesh controls.
struct LiveDeployment {
  std::int32_t replicas = 0;   // spec.replicas
  bool owns_replicas = false;  // our field manager applied them: owns_replicas(managedFields)
};

// Whether kFieldManager has applied spec.replicas. `managed_fields` is metadata.managedFields.
bool owns_replicas(const json& managed_fields);

// What the plan needs to know of the cluster.
struct Inputs {
  bool pod_monitor_crd = false;  // podmonitors.monitoring.coreos.com is served
  std::optional<Record> record;  // of record_id(), where it exists and is controlled by this mesh
  std::optional<LiveDeployment> deployment;
};

// Something that the operator cannot give, or that the user should know: Ready is False with it.
struct Finding {
  std::string reason;   // CamelCase
  std::string message;  // a sentence

  bool operator==(const Finding&) const = default;
};

struct Plan {
  // To be deleted first where they exist and this mesh controls them.
  std::vector<ObjectId> absent;
  // To be applied by kReplicasManager before `objects`: keeps the pods that run while the number
  // of replicas goes over to a HorizontalPodAutoscaler.
  std::optional<json> hand_over;
  // To be applied by kFieldManager, each with kHashAnnotation.
  std::vector<json> objects;
  // For status.sidecarRevision, and for the webhook: SidecarRevision::parse reads it.
  std::string revision;
  // For status.selector.
  std::string selector;
  std::vector<Finding> findings;
};

Plan make_plan(const api::SocketMesh& mesh, const Settings& settings, const Inputs& inputs);

}  // namespace socketmesh::op::plan

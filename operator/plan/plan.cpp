#include "operator/plan/plan.hpp"

#include <algorithm>

#include "lib/base/assert.hpp"
#include "operator/api/json_access.hpp"
#include "operator/plan/object.hpp"
#include "operator/plan/objects.hpp"
#include "operator/plan/sidecar_pod.hpp"
#include "operator/plan/sidecar_revision.hpp"

namespace socketmesh::op::plan {
namespace {

std::string selector_text(const json& labels) {
  std::string text;
  for (const auto& [key, value] : labels.items()) {
    text += (text.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  }
  return text;
}

// One plan in the making.
class Planner {
 public:
  Planner(const api::SocketMesh& mesh, const Settings& settings, const Inputs& inputs)
      : mesh_(mesh), settings_(settings), inputs_(inputs) {
    SM_ASSERT(!mesh.metadata.name.empty());
    SM_ASSERT(!mesh.metadata.namespace_name.empty());
  }

  Plan make() {
    const api::Spec& spec = mesh_.spec;
    const SidecarRevision revision = choose_revision(mesh_, settings_, inputs_.record);
    plan_.revision = revision.to_string();
    plan_.selector = selector_text(member_labels(mesh_));
    const bool managed = !spec.labelled();

    add(make_role_binding(mesh_));
    json config = make_config_map(mesh_);
    if (!managed) put_record(config);
    add(std::move(config));
    add(make_mesh_service(mesh_));
    if (spec.network_policy) add(make_network_policy(mesh_, settings_));
    if (spec.port) add(make_client_service(mesh_));
    if (managed) {
      json deployment = make_deployment(mesh_, revision);
      put_record(deployment);
      add(std::move(deployment));
      add(make_disruption_budget(mesh_));
    }
    if (spec.autoscaling) add(make_autoscaler(mesh_));
    if (spec.ingress) add(make_ingress(mesh_));
    if (inputs_.pod_monitor_crd && spec.monitoring.pod_monitor) add(make_pod_monitor(mesh_));

    list_absent();
    plan_hand_over();
    return std::move(plan_);
  }

 private:
  void add(json object) {
    stamp(object);
    plan_.objects.push_back(std::move(object));
  }

  void put_record(json& object) const {
    json& annotations = object["metadata"]["annotations"];
    annotations[api::kTemplateHashAnnotation] = template_hash(mesh_);
    annotations[api::kRevisionAnnotation] = plan_.revision;
  }

  // What some spec has, and this one has not.
  void list_absent() {
    const std::string& name = mesh_.metadata.name;
    const std::string mesh_name = api::mesh_object_name(name);
    std::vector<ObjectId> optional = {
        make_id(mesh_, "autoscaling/v2", "HorizontalPodAutoscaler", name),
        make_id(mesh_, "policy/v1", "PodDisruptionBudget", name),
        make_id(mesh_, "networking.k8s.io/v1", "Ingress", name),
        make_id(mesh_, "networking.k8s.io/v1", "NetworkPolicy", mesh_name),
        make_id(mesh_, "apps/v1", "Deployment", name),
        make_id(mesh_, "v1", "Service", name)};
    if (inputs_.pod_monitor_crd) {
      optional.push_back(make_id(mesh_, "monitoring.coreos.com/v1", "PodMonitor", mesh_name));
    }
    for (ObjectId& id : optional) {
      const bool planned = std::any_of(plan_.objects.begin(), plan_.objects.end(),
                                       [&id](const json& object) { return id_of(object) == id; });
      if (!planned) plan_.absent.push_back(std::move(id));
    }
  }

  // An applied field that its only owner no longer applies falls back to its default: replicas
  // would become 1. An autoscaler leaves a Deployment with 0 replicas alone, so it starts at its
  // minimum then.
  void plan_hand_over() {
    const auto& live = inputs_.deployment;
    if (!mesh_.spec.autoscaling || !live || !live->owns_replicas) return;
    const std::int32_t replicas =
        live->replicas > 0 ? live->replicas : mesh_.spec.autoscaling->min_replicas;
    plan_.hand_over = make_replicas(mesh_, replicas);
  }

  const api::SocketMesh& mesh_;
  const Settings& settings_;
  const Inputs& inputs_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const api::SocketMesh& mesh, const Settings& settings, const Inputs& inputs) {
  return Planner(mesh, settings, inputs).make();
}

json make_config_map(const api::SocketMesh& mesh) {
  json config = make_object(mesh, "v1", "ConfigMap", api::mesh_object_name(mesh.metadata.name));
  config["data"] = {{"socketmesh.yaml", sidecar_config(mesh)}};
  return config;
}

// To every ServiceAccount of the namespace: pods keep their own, whichever that is.
json make_role_binding(const api::SocketMesh& mesh) {
  constexpr char kRbac[] = "rbac.authorization.k8s.io";
  json binding = make_object(mesh, "rbac.authorization.k8s.io/v1", "RoleBinding",
                             api::mesh_object_name(mesh.metadata.name));
  binding["roleRef"] = {
      {"apiGroup", kRbac}, {"kind", "ClusterRole"}, {"name", api::kSidecarClusterRole}};
  binding["subjects"] =
      json::array({{{"apiGroup", kRbac},
                    {"kind", "Group"},
                    {"name", "system:serviceaccounts:" + mesh.metadata.namespace_name}}});
  return binding;
}

bool owns_replicas(const json& managed_fields) {
  if (!managed_fields.is_array()) return false;
  return std::any_of(managed_fields.begin(), managed_fields.end(), [](const json& entry) {
    const json& spec = api::member(api::member(entry, "fieldsV1"), "f:spec");
    return api::text_at(entry, "manager") == api::kFieldManager &&
           api::text_at(entry, "operation") == "Apply" &&
           api::text_at(entry, "subresource").empty() && spec.is_object() &&
           spec.contains("f:replicas");
  });
}

}  // namespace socketmesh::op::plan

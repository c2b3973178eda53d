#include "lib/base/assert.hpp"
#include "operator/api/limits.hpp"
#include "operator/plan/object.hpp"
#include "operator/plan/objects.hpp"

namespace socketmesh::op::plan {
namespace {

json ports(const char* protocol, int first, int last) {
  json range = {{"protocol", protocol}, {"port", first}};
  if (last != first) range["endPort"] = last;
  return range;
}

}  // namespace

// AlwaysAllow: a pod that is not ready serves nobody, and must not keep a node from draining.
json make_disruption_budget(const api::SocketMesh& mesh) {
  json budget = make_object(mesh, "policy/v1", "PodDisruptionBudget", mesh.metadata.name);
  budget["spec"] = {{"maxUnavailable", mesh.spec.disruption.max_unavailable},
                    {"unhealthyPodEvictionPolicy", "AlwaysAllow"},
                    {"selector", {{"matchLabels", member_labels(mesh)}}}};
  return budget;
}

json make_autoscaler(const api::SocketMesh& mesh) {
  SM_ASSERT(mesh.spec.autoscaling);
  const api::AutoscalingSpec& wanted = *mesh.spec.autoscaling;
  json autoscaler =
      make_object(mesh, "autoscaling/v2", "HorizontalPodAutoscaler", mesh.metadata.name);
  autoscaler["spec"] = {
      {"scaleTargetRef",
       {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", mesh.metadata.name}}},
      {"minReplicas", wanted.min_replicas},
      {"maxReplicas", wanted.max_replicas}};
  if (!wanted.metrics.empty()) autoscaler["spec"]["metrics"] = wanted.metrics;
  return autoscaler;
}

// Ingress only, so that the app's own egress, DNS and the API stay as they are. Everything but the
// sidecar's two ports stays open too: the app's ports are the user's to guard.
json make_network_policy(const api::SocketMesh& mesh, const Settings& settings) {
  const std::string& name = mesh.metadata.name;
  const json members = {{"matchLabels", {{api::kMeshLabel, name}}}};
  const json peers = {{"podSelector", members}};
  const json polling = {
      {"namespaceSelector",
       {{"matchLabels", {{"kubernetes.io/metadata.name", settings.operator_namespace}}}}},
      {"podSelector", {{"matchLabels", settings.operator_pod_labels}}}};
  json admin_from = json::array({peers, polling});
  if (!mesh.spec.monitoring.from.is_null()) admin_from.push_back(mesh.spec.monitoring.from);

  const json app = {{"ports", json::array({ports("TCP", 1, api::kLinkPort - 1),
                                           ports("TCP", api::kAdminPort + 1, api::kPortMax),
                                           ports("UDP", 1, api::kPortMax)})}};
  const json link = {{"from", json::array({peers})},
                     {"ports", json::array({ports("TCP", api::kLinkPort, api::kLinkPort)})}};
  const json admin = {{"from", admin_from},
                      {"ports", json::array({ports("TCP", api::kAdminPort, api::kAdminPort)})}};
  json policy =
      make_object(mesh, "networking.k8s.io/v1", "NetworkPolicy", api::mesh_object_name(name));
  policy["spec"] = {{"podSelector", members},
                    {"policyTypes", json::array({"Ingress"})},
                    {"ingress", json::array({app, link, admin})}};
  return policy;
}

json make_pod_monitor(const api::SocketMesh& mesh) {
  const std::string& name = mesh.metadata.name;
  json monitor =
      make_object(mesh, "monitoring.coreos.com/v1", "PodMonitor", api::mesh_object_name(name));
  json labels = mesh.spec.monitoring.labels;
  labels.update(monitor["metadata"]["labels"]);
  monitor["metadata"]["labels"] = std::move(labels);
  // Alerts and dashboard tell meshes apart by this label.
  const json relabelling = {
      {"sourceLabels", json::array({"__meta_kubernetes_pod_label_socketmesh_io_mesh"})},
      {"targetLabel", "mesh"}};
  monitor["spec"] = {
      {"selector", {{"matchLabels", {{api::kMeshLabel, name}}}}},
      {"podMetricsEndpoints", json::array({{{"port", "sm-admin"},
                                            {"path", "/metrics"},
                                            {"relabelings", json::array({relabelling})}}})}};
  return monitor;
}

}  // namespace socketmesh::op::plan

#include "lib/base/assert.hpp"
#include "operator/plan/object.hpp"
#include "operator/plan/objects.hpp"
#include "operator/plan/sidecar_pod.hpp"

namespace socketmesh::op::plan {

json make_deployment(const api::SocketMesh& mesh, const SidecarRevision& revision) {
  SM_ASSERT(mesh.spec.pod_template);
  json pods = *mesh.spec.pod_template;
  add_sidecar(pods, mesh, revision);
  json labels = member_labels(mesh);
  pods["metadata"]["labels"].update(labels);

  json deployment = make_object(mesh, "apps/v1", "Deployment", mesh.metadata.name);
  json& spec = deployment["spec"];
  if (!mesh.spec.autoscaling) spec["replicas"] = mesh.spec.replicas;
  // A new pod first: connections move only once there is somewhere to go.
  spec["strategy"] = {{"type", "RollingUpdate"},
                      {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", "25%"}}}};
  spec["selector"] = {{"matchLabels", std::move(labels)}};
  spec["template"] = std::move(pods);
  return deployment;
}

json make_replicas(const api::SocketMesh& mesh, std::int32_t replicas) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", mesh.metadata.name}, {"namespace", mesh.metadata.namespace_name}}},
          {"spec", {{"replicas", replicas}}}};
}

}  // namespace socketmesh::op::plan

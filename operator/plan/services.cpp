#include "lib/base/assert.hpp"
#include "operator/api/limits.hpp"
#include "operator/plan/object.hpp"
#include "operator/plan/objects.hpp"

namespace socketmesh::op::plan {

// publishNotReadyAddresses: a pod becomes ready only after its sidecar found its peers, so peers
// must be listed before they are ready.
json make_mesh_service(const api::SocketMesh& mesh) {
  const std::string& name = mesh.metadata.name;
  json service = make_object(mesh, "v1", "Service", api::mesh_object_name(name));
  service["spec"] = {{"clusterIP", "None"},
                     {"publishNotReadyAddresses", true},
                     {"selector", {{api::kMeshLabel, name}}},
                     {"ports", json::array({{{"name", "link"},
                                             {"port", api::kLinkPort},
                                             {"targetPort", api::kLinkPort},
                                             {"protocol", "TCP"}}})}};
  return service;
}

json make_client_service(const api::SocketMesh& mesh) {
  SM_ASSERT(mesh.spec.port);
  const api::ServiceSpec& wanted = mesh.spec.service;
  json service = make_object(mesh, "v1", "Service", mesh.metadata.name);
  if (!wanted.annotations.empty()) service["metadata"]["annotations"] = wanted.annotations;
  service["spec"] = {{"type", wanted.type},
                     {"sessionAffinity", wanted.session_affinity},
                     {"selector", member_labels(mesh)},
                     {"ports", json::array({{{"name", "client"},
                                             {"port", *mesh.spec.port},
                                             {"targetPort", *mesh.spec.port},
                                             {"protocol", "TCP"}}})}};
  return service;
}

json make_ingress(const api::SocketMesh& mesh) {
  SM_ASSERT(mesh.spec.port && mesh.spec.ingress);
  const api::IngressSpec& wanted = *mesh.spec.ingress;
  json ingress = make_object(mesh, "networking.k8s.io/v1", "Ingress", mesh.metadata.name);
  if (!wanted.annotations.empty()) ingress["metadata"]["annotations"] = wanted.annotations;
  const json backend = {
      {"service", {{"name", mesh.metadata.name}, {"port", {{"number", *mesh.spec.port}}}}}};
  const json path = {{"path", wanted.path}, {"pathType", "Prefix"}, {"backend", backend}};
  json rule = {{"http", {{"paths", json::array({path})}}}};
  json tls = {{"secretName", wanted.tls_secret_name}};
  if (!wanted.host.empty()) {
    rule["host"] = wanted.host;
    tls["hosts"] = json::array({wanted.host});
  }
  json& spec = ingress["spec"];
  if (!wanted.class_name.empty()) spec["ingressClassName"] = wanted.class_name;
  spec["rules"] = json::array({rule});
  if (!wanted.tls_secret_name.empty()) spec["tls"] = json::array({tls});
  return ingress;
}

}  // namespace socketmesh::op::plan

// What the operator's own flags and place decide for every mesh. Plain values.
#pragma once

#include <map>
#include <string>

namespace socketmesh::op::plan {

struct Settings {
  // For meshes that name no image of their own.
  std::string sidecar_image = "ghcr.io/socketmesh/sidecar:" SOCKETMESH_VERSION;
  std::string sidecar_image_pull_policy;  // Always, IfNotPresent, Never; empty: the kubelet's rule

  // Whose status polls a NetworkPolicy lets in.
  std::string operator_namespace = "socketmesh-system";
  std::map<std::string, std::string> operator_pod_labels = {
      {"app.kubernetes.io/name", "socketmesh-operator"}};
};

}  // namespace socketmesh::op::plan

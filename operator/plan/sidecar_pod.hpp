// The sidecar's part of a pod: the container, its volumes, and what the app's containers get. One
// builder for the Deployments of the operator and for the pods that the webhook injects. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/socket_mesh.hpp"
#include "operator/plan/sidecar_revision.hpp"

namespace socketmesh::op::plan {

inline constexpr char kAppVolume[] = "socketmesh-app";
inline constexpr char kTlsVolume[] = "socketmesh-tls";
inline constexpr char kConfigVolume[] = "socketmesh-config";
inline constexpr char kTokenVolume[] = "socketmesh-token";
using api::kAppDirectory;
inline constexpr char kSidecarProgram[] = "/socketmesh-sidecar";

// The sidecar container of a pod of this mesh. `pod_name` is empty when a controller will make
// one up.
json sidecar_container(const api::SocketMesh& mesh, const SidecarRevision& revision,
                       std::string_view pod_name);

// The four volumes.
json sidecar_volumes(const api::SocketMesh& mesh);

// Adds what is missing: the sidecar as first init container, the volumes, the app's mount in every
// container that has nothing else there, the annotations. `pod` is a PodTemplateSpec or a Pod
// (metadata and spec). A sidecar that is there already stays as it is, so a second call changes
// nothing, and one after another webhook added a container completes that one.
void add_sidecar(json& pod, const api::SocketMesh& mesh, const SidecarRevision& revision);

// Whether the pod has a sidecar among its init containers.
bool has_sidecar(const json& pod);

// socketmesh.yaml of the mesh's ConfigMap.
std::string sidecar_config(const api::SocketMesh& mesh);

}  // namespace socketmesh::op::plan

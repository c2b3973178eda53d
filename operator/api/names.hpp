// Names that the operator, the sidecars, the chart and the user share: API group, labels,
// annotations, conditions, and the name of everything that belongs to a mesh.
#pragma once

#include <string>
#include <string_view>

namespace socketmesh::op::api {

inline constexpr char kGroup[] = "socketmesh.io";
inline constexpr char kVersion[] = "v1alpha1";
inline constexpr char kApiVersion[] = "socketmesh.io/v1alpha1";
inline constexpr char kKind[] = "SocketMesh";
inline constexpr char kPlural[] = "socketmeshes";

// Leaves room for suffixes in the names of what the operator makes.
inline constexpr std::size_t kMeshNameBytesMax = 40;

// Labels.
inline constexpr char kMeshLabel[] = "socketmesh.io/mesh";        // <mesh>: joins the mesh
inline constexpr char kManagedLabel[] = "socketmesh.io/managed";  // "true": not for the webhook

// Annotations of a pod.
inline constexpr char kInjectAnnotation[] = "socketmesh.io/inject";  // "false": opted out
inline constexpr char kConfigHashAnnotation[] = "socketmesh.io/config-hash";
inline constexpr char kSafeToEvictAnnotation[] =
    "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

// Annotations of a SocketMesh.
inline constexpr char kPausedAnnotation[] = "socketmesh.io/paused";           // "true"
inline constexpr char kUpgradeAnnotation[] = "socketmesh.io/upgrade";         // "true"
inline constexpr char kRotateLeafAnnotation[] = "socketmesh.io/rotate-leaf";  // a new token
inline constexpr char kRotateRootAnnotation[] = "socketmesh.io/rotate-root";  // a new token

// Annotations of what the operator makes.
inline constexpr char kHashAnnotation[] = "socketmesh.io/hash";
inline constexpr char kTemplateHashAnnotation[] = "socketmesh.io/template-hash";
inline constexpr char kRevisionAnnotation[] = "socketmesh.io/sidecar-revision";

// Field managers of server-side apply.
inline constexpr char kFieldManager[] = "socketmesh-operator";
inline constexpr char kReplicasManager[] = "socketmesh-replicas";  // hand-over to an HPA

// In a pod: the sidecar's container, what the names of its volumes begin with, and where its
// socket is in every app container.
inline constexpr char kSidecarContainer[] = "socketmesh";
inline constexpr char kReservedVolumePrefix[] = "socketmesh-";
inline constexpr char kAppDirectory[] = "/var/run/socketmesh";

// Condition types.
inline constexpr char kReady[] = "Ready";
inline constexpr char kAvailable[] = "Available";
inline constexpr char kMeshConverged[] = "MeshConverged";
inline constexpr char kCertificatesReady[] = "CertificatesReady";

// Ships with the chart; lets a sidecar read the EndpointSlices of its namespace.
inline constexpr char kSidecarClusterRole[] = "socketmesh-sidecar";

// What belongs to mesh `mesh`. Deployment, client Service, PodDisruptionBudget,
// HorizontalPodAutoscaler and Ingress bear the name of the mesh itself.

// Headless mesh Service, ConfigMap, RoleBinding, NetworkPolicy, PodMonitor.
inline std::string mesh_object_name(std::string_view mesh) {
  return std::string(mesh) + "-mesh";
}
// Secret with bundle and leaf, mounted into the sidecars.
inline std::string tls_secret_name(std::string_view mesh) {
  return std::string(mesh) + "-mesh-tls";
}
// Secret with the CA's key, never mounted.
inline std::string ca_secret_name(std::string_view mesh) {
  return std::string(mesh) + "-mesh-ca";
}
// The URI in every certificate of the mesh.
inline std::string spiffe_id(std::string_view namespace_name, std::string_view mesh) {
  return "spiffe://socketmesh.io/ns/" + std::string(namespace_name) + "/mesh/" + std::string(mesh);
}

}  // namespace socketmesh::op::api

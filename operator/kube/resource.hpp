// Which API resources the operator speaks about, and where objects of them live. Pure values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lib/base/expected.hpp"

namespace socketmesh::op::kube {

struct Resource {
  std::string_view group{};  // empty: the core group
  std::string_view version{};
  std::string_view plural{};
  std::string_view kind{};
  bool namespaced = true;

  // "apps/v1", "v1".
  [[nodiscard]] std::string api_version() const;

  bool operator==(const Resource&) const = default;
};

inline constexpr Resource kSocketMeshes{"socketmesh.io", "v1alpha1", "socketmeshes", "SocketMesh"};
inline constexpr Resource kPods{"", "v1", "pods", "Pod"};
inline constexpr Resource kServices{"", "v1", "services", "Service"};
inline constexpr Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr Resource kSecrets{"", "v1", "secrets", "Secret"};
inline constexpr Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr Resource kDeployments{"apps", "v1", "deployments", "Deployment"};
inline constexpr Resource kAutoscalers{"autoscaling", "v2", "horizontalpodautoscalers",
                                       "HorizontalPodAutoscaler"};
inline constexpr Resource kDisruptionBudgets{"policy", "v1", "poddisruptionbudgets",
                                             "PodDisruptionBudget"};
inline constexpr Resource kNetworkPolicies{"networking.k8s.io", "v1", "networkpolicies",
                                           "NetworkPolicy"};
inline constexpr Resource kIngresses{"networking.k8s.io", "v1", "ingresses", "Ingress"};
inline constexpr Resource kRoleBindings{"rbac.authorization.k8s.io", "v1", "rolebindings",
                                        "RoleBinding"};
inline constexpr Resource kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices",
                                          "EndpointSlice"};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr Resource kEvents{"events.k8s.io", "v1", "events", "Event"};
inline constexpr Resource kMutatingWebhooks{"admissionregistration.k8s.io", "v1",
                                            "mutatingwebhookconfigurations",
                                            "MutatingWebhookConfiguration", false};
inline constexpr Resource kPodMonitors{"monitoring.coreos.com", "v1", "podmonitors", "PodMonitor"};

// The one above with this apiVersion and kind; nullptr for others.
const Resource* find_resource(std::string_view api_version, std::string_view kind);

// One object's name. `ns` is empty for resources without namespace.
struct ObjectRef {
  Resource resource{};
  std::string ns{};
  std::string name{};

  // "Deployment default/chat", for messages.
  [[nodiscard]] std::string to_string() const;
};

// Where a manifest goes, by its apiVersion, kind, metadata.namespace and metadata.name. The error
// says what is missing or unknown.
Expected<ObjectRef> ref_of(const nlohmann::json& object);

// "/apis/apps/v1/namespaces/default/deployments", percent-encoded. `ns` empty: all namespaces.
std::string collection_path(const Resource& resource, std::string_view ns);
std::string object_path(const ObjectRef& ref, std::string_view subresource = {});

}  // namespace socketmesh::op::kube

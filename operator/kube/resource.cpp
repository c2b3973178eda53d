#include "operator/kube/resource.hpp"

#include <array>

#include "lib/kube/target.hpp"

namespace socketmesh::op::kube {
namespace {

using nlohmann::json;

constexpr std::array kResources{
    kSocketMeshes,     kPods,        kServices,
    kConfigMaps,       kSecrets,     kNamespaces,
    kDeployments,      kAutoscalers, kDisruptionBudgets,
    kNetworkPolicies,  kIngresses,   kRoleBindings,
    kEndpointSlices,   kLeases,      kEvents,
    kMutatingWebhooks, kPodMonitors,
};

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string Resource::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::string ObjectRef::to_string() const {
  return std::string(resource.kind) + " " + (ns.empty() ? name : ns + "/" + name);
}

const Resource* find_resource(std::string_view api_version, std::string_view kind) {
  for (const Resource& resource : kResources) {
    if (resource.kind == kind && resource.api_version() == api_version) return &resource;
  }
  return nullptr;
}

Expected<ObjectRef> ref_of(const json& object) {
  if (!object.is_object()) return Unexpected{"the manifest is no object"};
  const std::string api_version = text_at(object, "apiVersion");
  const std::string kind = text_at(object, "kind");
  const Resource* resource = find_resource(api_version, kind);
  if (resource == nullptr) {
    return Unexpected{"no resource is known for apiVersion '" + api_version + "', kind '" + kind +
                      "'"};
  }
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) {
    return Unexpected{kind + " has no metadata"};
  }
  ObjectRef ref{*resource, text_at(*metadata, "namespace"), text_at(*metadata, "name")};
  if (resource->namespaced && ref.ns.empty()) {
    return Unexpected{kind + " '" + ref.name + "' has no metadata.namespace"};
  }
  if (!resource->namespaced) ref.ns.clear();
  return ref;
}

std::string collection_path(const Resource& resource, std::string_view ns) {
  std::string path =
      resource.group.empty() ? "/api/" : "/apis/" + std::string(resource.group) + "/";
  path += resource.version;
  if (resource.namespaced && !ns.empty()) {
    path += "/namespaces/" + socketmesh::kube::percent_encoded(ns);
  }
  return path + "/" + std::string(resource.plural);
}

std::string object_path(const ObjectRef& ref, std::string_view subresource) {
  std::string path =
      collection_path(ref.resource, ref.ns) + "/" + socketmesh::kube::percent_encoded(ref.name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

}  // namespace socketmesh::op::kube

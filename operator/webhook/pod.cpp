#include "operator/webhook/pod.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "lib/base/text.hpp"
#include "operator/api/json_access.hpp"
#include "operator/api/names.hpp"
#include "operator/plan/sidecar_pod.hpp"

namespace socketmesh::op::webhook {
namespace {

using nlohmann::json;

constexpr char kMirrorAnnotation[] = "kubernetes.io/config.mirror";

bool is_object_or_absent(const json& object, const char* key) {
  const json& value = api::member(object, key);
  return value.is_null() || value.is_object();
}

bool is_list_of_objects(const json& object, const char* key) {
  const json& list = api::member(object, key);
  return list.is_null() || (list.is_array() && std::ranges::all_of(list, [](const json& item) {
                              return item.is_object();
                            }));
}

bool are_containers(const json& spec, const char* key) {
  if (!is_list_of_objects(spec, key)) return false;
  const json& containers = api::member(spec, key);
  return containers.is_null() || std::ranges::all_of(containers, [](const json& container) {
           return is_list_of_objects(container, "volumeMounts");
         });
}

const json* find_named(const json& list, std::string_view name) {
  if (!list.is_array()) return nullptr;
  const auto found = std::ranges::find_if(
      list, [&](const json& item) { return api::text_at(item, "name") == name; });
  return found == list.end() ? nullptr : &*found;
}

// Left there by an earlier pass, or by whoever copied a pod that had one.
bool is_our_sidecar(const json& container) {
  const json& command = api::member(container, "command");
  return api::text_at(container, "restartPolicy") == "Always" && command.is_array() &&
         !command.empty() && command.front() == plan::kSidecarProgram;
}

}  // namespace

bool is_well_formed(const json& pod) {
  const json& metadata = api::member(pod, "metadata");
  const json& spec = api::member(pod, "spec");
  return metadata.is_object() && spec.is_object() && is_object_or_absent(metadata, "labels") &&
         is_object_or_absent(metadata, "annotations") && is_list_of_objects(spec, "volumes") &&
         are_containers(spec, "initContainers") && are_containers(spec, "containers");
}

std::string wanted_mesh(const json& pod) {
  const json& metadata = api::member(pod, "metadata");
  const json& labels = api::member(metadata, "labels");
  const json& annotations = api::member(metadata, "annotations");
  if (!api::member(labels, api::kManagedLabel).is_null() ||
      !api::member(annotations, kMirrorAnnotation).is_null() ||
      api::text_at(annotations, api::kInjectAnnotation) == "false") {
    return {};
  }
  return api::text_at(labels, api::kMeshLabel);
}

std::optional<std::string> find_conflict(const json& pod) {
  const json& spec = api::member(pod, "spec");
  const json& containers = api::member(spec, "containers");
  const json* sidecar = find_named(api::member(spec, "initContainers"), api::kSidecarContainer);
  if (find_named(containers, api::kSidecarContainer) != nullptr ||
      (sidecar != nullptr && !is_our_sidecar(*sidecar))) {
    return "a container named " + in_quotes(api::kSidecarContainer);
  }
  for (const char* volume :
       {plan::kAppVolume, plan::kTlsVolume, plan::kConfigVolume, plan::kTokenVolume}) {
    if (sidecar == nullptr && find_named(api::member(spec, "volumes"), volume) != nullptr) {
      return "a volume named " + in_quotes(volume);
    }
  }
  if (!containers.is_array()) return std::nullopt;
  for (const json& container : containers) {
    const json& mounts = api::member(container, "volumeMounts");
    if (!mounts.is_array()) continue;
    for (const json& mount : mounts) {
      if (api::text_at(mount, "mountPath") == plan::kAppDirectory &&
          api::text_at(mount, "name") != plan::kAppVolume) {
        return "a volume mounted at " + in_quotes(plan::kAppDirectory);
      }
    }
  }
  return std::nullopt;
}

}  // namespace socketmesh::op::webhook

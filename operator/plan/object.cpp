#include "operator/plan/object.hpp"

#include "lib/digest/sha256.hpp"
#include "operator/api/json_access.hpp"

namespace socketmesh::op::plan {
namespace {

constexpr std::size_t kHashChars = 32;  // 128 bits are enough to see a change

json owner_reference(const api::Metadata& metadata) {
  return {{"apiVersion", api::kApiVersion},
          {"kind", api::kKind},
          {"name", metadata.name},
          {"uid", metadata.uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

}  // namespace

json make_object(const api::SocketMesh& mesh, const char* api_version, const char* kind,
                 std::string name) {
  json metadata = {{"name", std::move(name)},
                   {"namespace", mesh.metadata.namespace_name},
                   {"labels",
                    {{"app.kubernetes.io/name", "socketmesh"},
                     {"app.kubernetes.io/instance", mesh.metadata.name},
                     {"app.kubernetes.io/managed-by", "socketmesh-operator"},
                     {api::kMeshLabel, mesh.metadata.name}}}};
  if (!mesh.metadata.uid.empty()) {
    metadata["ownerReferences"] = json::array({owner_reference(mesh.metadata)});
  }
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

ObjectId make_id(const api::SocketMesh& mesh, const char* api_version, const char* kind,
                 std::string name) {
  return {api_version, kind, mesh.metadata.namespace_name, std::move(name)};
}

ObjectId id_of(const json& object) {
  const json& metadata = api::member(object, "metadata");
  return {api::text_at(object, "apiVersion"), api::text_at(object, "kind"),
          api::text_at(metadata, "namespace"), api::text_at(metadata, "name")};
}

json member_labels(const api::SocketMesh& mesh) {
  json labels = {{api::kMeshLabel, mesh.metadata.name}};
  if (!mesh.spec.labelled()) labels[api::kManagedLabel] = "true";
  return labels;
}

std::string content_hash(const json& content) {
  return sha256_hex(content.dump(-1, ' ', false, json::error_handler_t::replace))
      .substr(0, kHashChars);
}

void stamp(json& object) {
  json& annotations = object["metadata"]["annotations"];
  if (annotations.is_object()) annotations.erase(api::kHashAnnotation);
  const std::string hash = content_hash(object);
  annotations[api::kHashAnnotation] = hash;
}

}  // namespace socketmesh::op::plan

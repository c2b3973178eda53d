#include "operator/plan/sidecar_revision.hpp"

#include "lib/base/parse.hpp"
#include "operator/api/json_access.hpp"
#include "operator/plan/object.hpp"

namespace socketmesh::op::plan {
namespace {

json sidecar_json(const api::SidecarSpec& sidecar) {
  return {
      {"image", sidecar.image}, {"resources", sidecar.resources}, {"logLevel", sidecar.log_level}};
}

SidecarRevision newest(const api::SocketMesh& mesh, const Settings& settings) {
  const std::string& own = mesh.spec.sidecar.image;
  return {kShape, own.empty() ? settings.sidecar_image : own, settings.sidecar_image_pull_policy};
}

}  // namespace

std::string SidecarRevision::to_string() const {
  return std::to_string(shape) + (pull_policy.empty() ? "" : "+" + pull_policy) + "/" + image;
}

std::optional<SidecarRevision> SidecarRevision::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) return std::nullopt;
  const std::string_view head = text.substr(0, slash);
  const std::size_t plus = head.find('+');
  const auto shape = parse_uint(head.substr(0, plus), kShape);
  if (!shape || *shape == 0) return std::nullopt;
  SidecarRevision revision{static_cast<int>(*shape), std::string(text.substr(slash + 1)), ""};
  if (plus == std::string_view::npos) return revision;
  revision.pull_policy = head.substr(plus + 1);
  if (revision.pull_policy.empty()) return std::nullopt;
  return revision;
}

std::string template_hash(const api::SocketMesh& mesh) {
  json content = {{"template", mesh.spec.pod_template ? *mesh.spec.pod_template : json()},
                  {"sidecar", sidecar_json(mesh.spec.sidecar)}};
  // An older image would refuse the section.
  if (mesh.spec.drop_in) content["dropIn"] = mesh.spec.drop_in->mode;
  if (mesh.spec.recovery) content["recovery"] = true;
  return content_hash(content);
}

SidecarRevision choose_revision(const api::SocketMesh& mesh, const Settings& settings,
                                const std::optional<Record>& record) {
  if (!record || mesh.metadata.annotated(api::kUpgradeAnnotation)) return newest(mesh, settings);
  // Without the annotations, which anyone may have removed, the status still knows.
  const bool changed =
      !record->template_hash.empty() && record->template_hash != template_hash(mesh);
  if (changed) return newest(mesh, settings);
  if (const auto pinned = SidecarRevision::parse(record->sidecar_revision)) return *pinned;
  if (const auto pinned = SidecarRevision::parse(mesh.status.sidecar_revision)) return *pinned;
  return newest(mesh, settings);
}

Record read_record(const json& metadata) {
  const json& annotations = api::member(metadata, "annotations");
  return {api::text_at(annotations, api::kTemplateHashAnnotation),
          api::text_at(annotations, api::kRevisionAnnotation)};
}

ObjectId record_id(const api::SocketMesh& mesh) {
  if (mesh.spec.labelled()) {
    return make_id(mesh, "v1", "ConfigMap", api::mesh_object_name(mesh.metadata.name));
  }
  return make_id(mesh, "apps/v1", "Deployment", mesh.metadata.name);
}

}  // namespace socketmesh::op::plan

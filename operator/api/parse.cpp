#include <algorithm>

#include "lib/base/text.hpp"
#include "operator/api/fields.hpp"
#include "operator/api/json_access.hpp"
#include "operator/api/parse_spec.hpp"
#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {
namespace {

bool is_mesh_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= kMeshNameBytesMax && letter(name.front()) &&
         name.back() != '-' && std::all_of(name.begin(), name.end(), inner);
}

void check_type(const json& object, Problems& problems) {
  for (const auto& [key, wanted] : {std::pair{"apiVersion", kApiVersion}, {"kind", kKind}}) {
    const std::string is = text_at(object, key);
    if (is == wanted) continue;
    problems.push_back(
        {key, (is.empty() ? "is missing" : in_quotes(is) + " is not ours") + "; write " + wanted});
  }
}

void check_name(const std::string& name, Problems& problems) {
  if (is_mesh_name(name)) return;
  problems.push_back(
      {"metadata.name", in_quotes(name) + " is no mesh name: lower-case letters, digits and '-', " +
                            "beginning with a letter, not ending in '-', at most " +
                            std::to_string(kMeshNameBytesMax) + " characters"});
}

}  // namespace

std::string Problem::to_string() const {
  return path.empty() ? message : path + ": " + message;
}

std::string to_string(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + problem.to_string();
  return text;
}

bool Metadata::annotated(std::string_view annotation) const {
  const auto found = annotations.find(std::string(annotation));
  return found != annotations.end() && found->second == "true";
}

Metadata parse_metadata(const json& object) {
  const json& source = member(object, "metadata");
  Metadata metadata;
  metadata.name = text_at(source, "name");
  metadata.namespace_name = text_at(source, "namespace");
  metadata.uid = text_at(source, "uid");
  metadata.resource_version = text_at(source, "resourceVersion");
  metadata.generation = integer_at(source, "generation").value_or(0);
  metadata.labels = strings_at(source, "labels");
  metadata.annotations = strings_at(source, "annotations");
  metadata.creation_timestamp = text_at(source, "creationTimestamp");
  metadata.deleting = !text_at(source, "deletionTimestamp").empty();
  return metadata;
}

Expected<SocketMesh, Problems> parse(const json& object, UnknownFields unknown) {
  Problems problems;
  Fields root(object, "", problems);
  if (!problems.empty()) return Unexpected{std::move(problems)};
  for (const char* known : {"apiVersion", "kind", "metadata", "status"}) root.take(known);
  check_type(object, problems);
  if (!problems.empty()) return Unexpected{std::move(problems)};
  SocketMesh mesh;
  mesh.metadata = parse_metadata(object);
  check_name(mesh.metadata.name, problems);
  mesh.status = parse_status(member(object, "status"));
  if (const json* spec = root.take_object("spec")) {
    mesh.spec = parse_spec(*spec, unknown, problems);
  } else if (!object.contains("spec")) {
    problems.push_back({"spec", "is missing"});
  }
  root.finish(unknown);
  if (!problems.empty()) return Unexpected{std::move(problems)};
  return mesh;
}

}  // namespace socketmesh::op::api

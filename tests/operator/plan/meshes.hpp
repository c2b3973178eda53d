// SocketMeshes for the tests of the operator.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op {

// As the API server sends it.
inline constexpr std::string_view kChat = R"({
  "apiVersion": "socketmesh.io/v1alpha1", "kind": "SocketMesh",
  "metadata": {"name": "chat", "namespace": "talk", "uid": "3f1c", "generation": 4,
               "resourceVersion": "77"},
  "spec": {
    "replicas": 3, "port": 3000,
    "template": {
      "metadata": {"labels": {"app": "chat"}},
      "spec": {"containers": [{"name": "app", "image": "registry.example/chat:1",
                               "ports": [{"containerPort": 3000}]}]}}}})";

inline constexpr std::string_view kLabelled = R"({
  "apiVersion": "socketmesh.io/v1alpha1", "kind": "SocketMesh",
  "metadata": {"name": "chat", "namespace": "talk", "uid": "3f1c"},
  "spec": {}})";

inline api::SocketMesh parsed(const nlohmann::json& object) {
  auto mesh = api::parse(object, api::UnknownFields::kRefuse);
  if (mesh) return *mesh;
  ADD_FAILURE() << api::to_string(mesh.error());
  return {};
}

// The mesh of that text, with a change to its JSON.
inline api::SocketMesh mesh_of(std::string_view text, const nlohmann::json& merge_patch = {}) {
  nlohmann::json object = nlohmann::json::parse(text);
  if (!merge_patch.is_null()) object.merge_patch(merge_patch);
  return parsed(object);
}

}  // namespace socketmesh::op

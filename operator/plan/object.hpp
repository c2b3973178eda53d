// What all planned objects have in common. Internal to operator/plan.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "operator/api/socket_mesh.hpp"
#include "operator/plan/plan.hpp"

namespace socketmesh::op::plan {

// apiVersion, kind and metadata: name, namespace, the mesh's labels, the owner (where the mesh
// comes from a server).
json make_object(const api::SocketMesh& mesh, const char* api_version, const char* kind,
                 std::string name);

ObjectId make_id(const api::SocketMesh& mesh, const char* api_version, const char* kind,
                 std::string name);

// Labels that select the member pods; the operator's own in template mode.
json member_labels(const api::SocketMesh& mesh);

// 128 bits of SHA-256 in hexadecimal, of the JSON text with sorted keys.
std::string content_hash(const json& content);

// Sets kHashAnnotation to the hash of everything else.
void stamp(json& object);

}  // namespace socketmesh::op::plan

// Reads the spec of a SocketMesh, with its defaults and checks. Internal to operator/api.
#pragma once

#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {

// What is wrong is told, and stays at its default.
Spec parse_spec(const json& spec, UnknownFields unknown, Problems& problems);

}  // namespace socketmesh::op::api

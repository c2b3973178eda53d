// Checks the part of a PodTemplateSpec that the operator relies on: containers with names, and
// nothing that collides with what the operator adds. The rest is the API server's to check, when
// the Deployment is applied. Internal to operator/api.
#pragma once

#include <string>

#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {

void check_template(const json& pod_template, const std::string& path, Problems& problems);

}  // namespace socketmesh::op::api

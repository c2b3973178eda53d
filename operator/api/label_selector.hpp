// A LabelSelector of Kubernetes: checked as the API server checks it. Internal to operator/api.
#pragma once

#include <string>

#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {

void check_label_selector(const json& selector, const std::string& path, UnknownFields unknown,
                          Problems& problems);

}  // namespace socketmesh::op::api

// GET /status: the report as JSON. Keys are the field names of node::Status and node::Counters.
#pragma once

#include <string>

#include "sidecar/shell/report.hpp"

namespace socketmesh::shell {

// Names that came from apps and are not UTF-8 are repaired, never a reason to fail.
std::string status_json(const Report& report);

}  // namespace socketmesh::shell

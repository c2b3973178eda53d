// The node's log text, "key=value key2="two words"", as fields of a log line.
#pragma once

#include <string_view>
#include <vector>

#include "lib/obs/log.hpp"

namespace socketmesh::shell {

// Fields refer to `text`. A value in double quotes may hold spaces; what has no '=' is a field of
// the name "detail".
std::vector<obs::LogField> split_log_fields(std::string_view text);

}  // namespace socketmesh::shell

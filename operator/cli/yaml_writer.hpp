// JSON as YAML that people read and every YAML reader reads alike: block style, plain scalars only
// where no version of YAML sees anything but a text, literal blocks for texts of several lines.
// Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace socketmesh::op::cli {

// One document with its last newline, without "---". Of a map, apiVersion, kind, metadata, name
// and namespace come first, as people write them; the rest is sorted.
std::string to_yaml(const nlohmann::json& value);

}  // namespace socketmesh::op::cli

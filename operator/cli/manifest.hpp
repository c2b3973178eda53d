// Kubernetes manifests as JSON, with the line of every value for error messages.
//
// Stricter than kubectl: YAML 1.1 words (yes, on), octal, hexadecimal and sexagesimal numbers must
// be quoted or written out, for they rarely are what was meant. No anchors, tags, duplicate keys.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"
#include "lib/config/problem.hpp"

namespace socketmesh::op::cli {

// The API server takes objects of up to 3 MiB.
inline constexpr std::size_t kManifestBytesMax = std::size_t{4} << 20U;

// Levels of nesting; the schemas of CRDs have some 30.
inline constexpr std::size_t kManifestDepthMax = 64;

struct Document {
  nlohmann::json object;
  std::map<std::string, int, std::less<>> lines;  // "spec.tls.rotateAfter" -> line

  // Of the value, or of what would hold it.
  [[nodiscard]] int line_of(std::string path) const;
};

// Every document that is not empty.
Expected<std::vector<Document>, std::vector<config::Problem>> parse_manifest(
    const std::string& path, std::string_view text);

}  // namespace socketmesh::op::cli

// socketmesh-operator render: what the operator would apply, without a cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"
#include "lib/config/problem.hpp"
#include "operator/plan/settings.hpp"

namespace socketmesh::op::cli {

struct RenderCommand {
  std::string file;            // a path; "-": stdin
  std::string namespace_name;  // for meshes that name none; empty: "default"
  plan::Settings settings;
};

struct Rendered {
  std::string text;                   // YAML documents
  std::vector<std::string> warnings;  // what the meshes ask for and do not get
};

// `text` is what command.file holds. Pure.
Expected<Rendered, std::vector<config::Problem>> render(const RenderCommand& command,
                                                        std::string_view text);

// Reads, renders, prints; the exit code.
int run(const RenderCommand& command);

}  // namespace socketmesh::op::cli

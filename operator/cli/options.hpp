// What was asked for on the command line of socketmesh-operator.
#pragma once

#include <string>
#include <variant>

#include "lib/base/expected.hpp"
#include "operator/cli/render.hpp"
#include "operator/cli/run_options.hpp"

namespace socketmesh::op::cli {

// Text for stdout: --help, --version.
struct PrintCommand {
  std::string text;
};

using Command = std::variant<RunCommand, RenderCommand, PrintCommand>;

// The error is for stderr, with a hint where help is.
Expected<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace socketmesh::op::cli

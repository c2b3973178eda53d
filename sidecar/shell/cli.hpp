// What was asked for on the command line.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "lib/base/expected.hpp"

namespace socketmesh::shell {

struct RunCommand {
  std::string config;
  bool check_only = false;
};

// Tells the sidecar behind `config` (or SOCKETMESH_SOCKET) that its pod goes.
struct LeaveCommand {
  std::optional<std::string> config;
};

// Text for stdout: --help, --version.
struct PrintCommand {
  std::string text;
};

using Command = std::variant<RunCommand, LeaveCommand, PrintCommand>;

// The error is for stderr, with a hint where help is. Pure.
Expected<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace socketmesh::shell

// The command line of `socketmesh-operator run`: control::Options, each also by an environment
// variable SOCKETMESH_OPERATOR_<FLAG>.
#pragma once

#include "operator/control/options.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): theirs
class App;
}

namespace socketmesh::op::cli {

struct RunCommand {
  control::Options options;
};

// Adds the subcommand; parsing fills `command`, which outlives the app.
CLI::App* add_run(CLI::App& app, RunCommand& command);

}  // namespace socketmesh::op::cli

// socketmesh-operator: the command line around operator/cli.
//
// Exit codes: 0 ended as asked, 1 failed while running, 2 wrong arguments, file or resource.
#include <cstdio>
#include <exception>
#include <variant>

#include "operator/cli/options.hpp"
#include "operator/control/run.hpp"

namespace socketmesh::op::cli {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int run(const PrintCommand& command) {
  std::fputs(command.text.c_str(), stdout);
  return 0;
}

int run(const RunCommand& command) {
  return control::run(command.options);
}

int main_of(int argc, char** argv) {
  const auto command = parse_command_line(argc, argv);
  if (command) return std::visit([](const auto& chosen) { return run(chosen); }, *command);
  std::fprintf(stderr, "%s\n", command.error().c_str());
  return kExitUsage;
}

}  // namespace
}  // namespace socketmesh::op::cli

int main(int argc, char** argv) {
  using namespace socketmesh::op::cli;
  try {
    return main_of(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "socketmesh-operator: %s\n", failure.what());
    return kExitFailed;
  }
}

#include "operator/cli/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace socketmesh::op::cli {
namespace {

using testing::HasSubstr;

Expected<Command> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "socketmesh-operator");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

template <typename T>
T good(const std::vector<const char*>& arguments) {
  const auto command = parse(arguments);
  if (command && std::holds_alternative<T>(*command)) return std::get<T>(*command);
  ADD_FAILURE() << (command ? "another command" : command.error());
  return {};
}

std::string bad(const std::vector<const char*>& arguments) {
  const auto command = parse(arguments);
  EXPECT_FALSE(command);
  return command ? "" : command.error();
}

TEST(OperatorOptions, RenderTakesAFile) {
  const auto command = good<RenderCommand>({"render", "-f", "m.yaml"});
  EXPECT_EQ(command.file, "m.yaml");
  EXPECT_EQ(command.namespace_name, "");
  EXPECT_EQ(command.settings.sidecar_image, plan::Settings().sidecar_image);
  const auto more = good<RenderCommand>(
      {"render", "--file", "-", "--namespace", "talk", "--sidecar-image", "a/b:1"});
  EXPECT_EQ(more.file, "-");
  EXPECT_EQ(more.namespace_name, "talk");
  EXPECT_EQ(more.settings.sidecar_image, "a/b:1");
}

TEST(OperatorOptions, TheImageIsInTheEnvironmentToo) {
  ::setenv("SOCKETMESH_OPERATOR_SIDECAR_IMAGE", "from/env:1", 1);
  EXPECT_EQ(good<RenderCommand>({"render", "-f", "x"}).settings.sidecar_image, "from/env:1");
  ::unsetenv("SOCKETMESH_OPERATOR_SIDECAR_IMAGE");
}

TEST(OperatorOptions, PrintsVersionAndHelp) {
  EXPECT_EQ(good<PrintCommand>({"--version"}).text, "socketmesh-operator " SOCKETMESH_VERSION "\n");
  EXPECT_THAT(good<PrintCommand>({"--help"}).text, HasSubstr("render"));
  EXPECT_THAT(good<PrintCommand>({"render", "--help"}).text, HasSubstr("--sidecar-image"));
}

TEST(OperatorOptions, RefusesTheRest) {
  EXPECT_THAT(bad({}), HasSubstr("a command is needed"));
  EXPECT_THAT(bad({"render"}), HasSubstr("--file is required"));
  EXPECT_THAT(bad({"render", "-f", "x", "y"}), HasSubstr("Try 'socketmesh-operator --help'"));
  EXPECT_THAT(bad({"walk"}), HasSubstr("Try 'socketmesh-operator --help'"));
}

}  // namespace
}  // namespace socketmesh::op::cli

#include "sidecar/shell/cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace socketmesh::shell {
namespace {

using testing::HasSubstr;

Expected<Command> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "socketmesh-sidecar");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string printed(const std::vector<const char*>& arguments) {
  const auto command = parse(arguments);
  if (!command || !std::holds_alternative<PrintCommand>(*command)) return "";
  return std::get<PrintCommand>(*command).text;
}

TEST(CommandLine, Runs) {
  const auto command = parse({"--config", "f.yaml"});
  ASSERT_TRUE(command);
  EXPECT_EQ(std::get<RunCommand>(*command).config, "f.yaml");
  EXPECT_FALSE(std::get<RunCommand>(*command).check_only);
}

TEST(CommandLine, Checks) {
  const auto command = parse({"--check-config", "--config=f.yaml"});
  ASSERT_TRUE(command);
  EXPECT_TRUE(std::get<RunCommand>(*command).check_only);
}

TEST(CommandLine, Leaves) {
  const auto bare = parse({"leave"});
  ASSERT_TRUE(bare);
  EXPECT_FALSE(std::get<LeaveCommand>(*bare).config);
  const auto with_config = parse({"leave", "--config", "f.yaml"});
  ASSERT_TRUE(with_config);
  EXPECT_EQ(std::get<LeaveCommand>(*with_config).config, "f.yaml");
}

TEST(CommandLine, Helps) {
  EXPECT_THAT(printed({"--help"}), HasSubstr("Examples:\n"));
  EXPECT_THAT(printed({"leave", "--help"}), HasSubstr("Usage: socketmesh-sidecar leave"));
  EXPECT_EQ(printed({"--version"}), "socketmesh-sidecar " SOCKETMESH_VERSION "\n");
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {}, {"--config"}, {"--nonsense"}, {"--config", "f", "extra"}}) {
    const auto command = parse(arguments);
    ASSERT_FALSE(command);
    EXPECT_THAT(command.error(), HasSubstr("--help"));
  }
}

}  // namespace
}  // namespace socketmesh::shell

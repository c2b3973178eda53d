#include "operator/cli/run_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "operator/cli/options.hpp"

namespace socketmesh::op::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Expected<Command> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"socketmesh-operator", "run"});
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

control::Options parsed(std::vector<const char*> arguments) {
  auto command = parse(std::move(arguments));
  if (command && std::holds_alternative<RunCommand>(*command))
    return std::get<RunCommand>(*command).options;
  ADD_FAILURE() << (command ? "another command" : command.error());
  return {};
}

// An environment variable, as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

TEST(RunOptions, DefaultsAreThoseOfAPod) {
  const control::Options options = parsed({});
  EXPECT_TRUE(options.kubeconfig.empty());
  EXPECT_TRUE(options.watch_namespaces.empty());
  EXPECT_TRUE(options.webhook);
  EXPECT_TRUE(options.leader_elect);
  EXPECT_EQ(options.webhook_service, "socketmesh-webhook");
  EXPECT_EQ(options.webhook_configuration, "socketmesh-injector");
  EXPECT_EQ(options.webhook_listen.to_string(), "[::]:10250");
  EXPECT_EQ(options.metrics_listen.to_string(), "[::]:8080");
  EXPECT_EQ(options.health_listen.to_string(), "[::]:8081");
}

// As charts/socketmesh gives them.
TEST(RunOptions, TakesWhatTheChartGives) {
  const Variable pod("POD_NAME", "socketmesh-operator-7d9f");
  const control::Options options =
      parsed({"--sidecar-image=registry/sidecar:1", "--sidecar-image-pull-policy=IfNotPresent",
              "--watch-namespaces=b,a,b", "--no-webhook", "--webhook-configuration=other",
              "--log-level=debug", "--log-format=json", "--resync=5m", "--no-leader-elect"});
  EXPECT_EQ(options.settings.sidecar_image, "registry/sidecar:1");
  EXPECT_EQ(options.settings.sidecar_image_pull_policy, "IfNotPresent");
  EXPECT_THAT(options.watch_namespaces, ElementsAre("a", "b"));
  EXPECT_FALSE(options.webhook);
  EXPECT_FALSE(options.leader_elect);
  EXPECT_EQ(options.webhook_configuration, "other");
  EXPECT_EQ(options.log_level, obs::LogLevel::kDebug);
  EXPECT_EQ(options.log_format, obs::LogFormat::kJson);
  EXPECT_EQ(options.resync, 5min);
  EXPECT_EQ(options.identity, "socketmesh-operator-7d9f");
}

TEST(RunOptions, VariablesStandInForOptions) {
  const Variable level("SOCKETMESH_OPERATOR_LOG_LEVEL", "warn");
  const Variable webhook("SOCKETMESH_OPERATOR_WEBHOOK", "false");
  const Variable listen("SOCKETMESH_OPERATOR_METRICS_LISTEN", "127.0.0.1:9090");
  const control::Options options = parsed({});
  EXPECT_EQ(options.log_level, obs::LogLevel::kWarn);
  EXPECT_FALSE(options.webhook);
  EXPECT_EQ(options.metrics_listen.port, 9090);
  EXPECT_EQ(parsed({"--log-level=error"}).log_level, obs::LogLevel::kError) << "the flag wins";
}

TEST(RunOptions, RefusesWhatItCannotUse) {
  for (const auto& [argument, complaint] : std::vector<std::pair<const char*, const char*>>{
           {"--log-level=loud", "'loud' is not debug"},
           {"--log-format=xml", "'xml' is not text"},
           {"--resync=9s", "out of range: 10s to 24h"},
           {"--resync=25h", "out of range"},
           {"--resync=soon", "soon"},
           {"--metrics-listen=nowhere", "nowhere"},
           {"--watch-namespaces=a,,b", "empty name"},
           {"--sidecar-image-pull-policy=Sometimes", "Sometimes"},
           {"--nonsense", "--nonsense"}}) {
    const auto command = parse({argument});
    ASSERT_FALSE(command) << argument;
    EXPECT_THAT(command.error(), HasSubstr(complaint)) << argument;
  }
  EXPECT_EQ(parsed({"--resync=10s"}).resync, control::kResyncMin);
  EXPECT_EQ(parsed({"--resync=24h"}).resync, control::kResyncMax);
}

}  // namespace
}  // namespace socketmesh::op::cli

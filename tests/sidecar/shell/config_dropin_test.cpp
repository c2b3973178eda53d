#include "sidecar/shell/config_dropin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.hpp"

namespace socketmesh::config {
namespace {

using testing::HasSubstr;

constexpr std::string_view kMinimal =
    "mesh: {name: chat}\n"
    "link: {listen: \"127.0.0.1:7400\"}\n"
    "discovery: {static: []}\n";

Expected<SidecarConfig, Problems> load(std::string_view section,
                                       const Environment& environment = {},
                                       const std::string& file = "f") {
  return parse_sidecar_config(file, std::string(kMinimal) + std::string(section), environment,
                              "host");
}

DropInConfig good(std::string_view section, const Environment& environment = {}) {
  const auto config = load(section, environment);
  if (config && config->dropin) return *config->dropin;
  ADD_FAILURE() << (config ? "no section" : to_string(config.error()));
  return {};
}

std::string bad(std::string_view section, const Environment& environment = {}) {
  const auto config = load(section, environment);
  EXPECT_FALSE(config);
  return config ? "" : to_string(config.error());
}

TEST(DropInConfig, AbsentIsOff) {
  EXPECT_FALSE(load("")->dropin);
  // Every pod of an operator knows its address.
  EXPECT_FALSE(load("", {{"SOCKETMESH_DROPIN_ADVERTISE", "10.0.0.7"}})->dropin);
}

TEST(DropInConfig, HasDefaults) {
  for (const char* section : {"dropin:\n", "dropin: {}\n"}) {
    const DropInConfig config = good(section);
    EXPECT_TRUE(config.carry);
    EXPECT_EQ(config.discovery, (TcpEndpoint{"127.0.0.1", 8000}));
    EXPECT_EQ(config.tunnel, (TcpEndpoint{"127.0.0.1", 8001}));
    EXPECT_EQ(config.token_file, "");
    EXPECT_EQ(config.advertise, "");
    EXPECT_EQ(config.state_file, "/var/run/socketmesh/dropin.state");
  }
}

TEST(DropInConfig, ReadsEveryKey) {
  const DropInConfig config = good(
      "dropin: {mode: direct, discovery: \"127.0.0.1:1\", tunnel: \"[::1]:2\", advertise: "
      "\"fd00::1\",\n"
      "         state: /tmp/state}\n");
  EXPECT_FALSE(config.carry);
  EXPECT_EQ(config.discovery, (TcpEndpoint{"127.0.0.1", 1}));
  EXPECT_EQ(config.tunnel, (TcpEndpoint{"::1", 2}));
  EXPECT_EQ(config.advertise, "fd00::1");
  EXPECT_EQ(config.state_file, "/tmp/state");
  EXPECT_EQ(good("", {{"SOCKETMESH_DROPIN_MODE", "direct"}}).carry, false);
  EXPECT_EQ(load("dropin: {tunnel: \"127.0.0.1:9\"}\n")->origin("dropin.tunnel"),
            "f:4: dropin.tunnel");
}

TEST(DropInConfig, KeepsToLoopback) {
  EXPECT_EQ(bad("dropin:\n  discovery: \"0.0.0.0:8000\"\n"),
            "f:5: dropin.discovery: '0.0.0.0:8000' is reachable from elsewhere, and what apps say "
            "there is plain text; use a loopback address such as 127.0.0.1\n");
  EXPECT_THAT(bad("dropin: {tunnel: \"[::]:8001\"}\n"),
              HasSubstr("f:4: dropin.tunnel: '[::]:8001'"));
  EXPECT_THAT(bad("", {{"SOCKETMESH_DROPIN_TUNNEL", "10.0.0.1:8001"}}),
              HasSubstr("SOCKETMESH_DROPIN_TUNNEL: dropin.tunnel: '10.0.0.1:8001' is reachable"));
}

TEST(DropInConfig, RefusesWhatCannotBe) {
  EXPECT_THAT(bad("dropin: {mode: both}\n"), HasSubstr("f:4: dropin.mode: 'both' is no mode"));
  EXPECT_THAT(bad("dropin: {advertise: \"a b\"}\n"),
              HasSubstr("f:4: dropin.advertise: 'a b' is no host"));
  EXPECT_THAT(bad("dropin: {tunnels: 3}\n"), HasSubstr("f:4: dropin.tunnels: is not a known key"));
}

TEST(DropInConfig, RefusesCollisions) {
  EXPECT_THAT(bad("dropin: {tunnel: \"127.0.0.1:8000\"}\n"),
              HasSubstr("f:4: dropin.tunnel: '127.0.0.1:8000' collides with dropin.discovery"));
  EXPECT_THAT(bad("dropin: {discovery: \"127.0.0.1:7400\"}\n"),
              HasSubstr("f:4: dropin.discovery: '127.0.0.1:7400' collides with link.listen"));
  EXPECT_THAT(bad("dropin: {tunnel: \"127.0.0.1:7401\"}\n"),
              HasSubstr("f:4: dropin.tunnel: '127.0.0.1:7401' collides with admin.listen"));
  EXPECT_THAT(bad("app: {listen: \"tcp://127.0.0.1:8000\"}\ndropin: {}\n"),
              HasSubstr("collides with app.listen"));
}

class TokenFile : public testing::Test {
 protected:
  std::string write(const std::string& token) { return folder_.write("token", token); }
  support::TempFolder folder_;
};

TEST_F(TokenFile, IsReadWithoutItsLineBreak) {
  EXPECT_EQ(*read_token(write("secret\n")), "secret");
  EXPECT_EQ(*read_token(write("secret\r\n")), "secret");
  EXPECT_EQ(*read_token(write(" a b ")), " a b ");
}

TEST_F(TokenFile, HasALimit) {
  EXPECT_TRUE(read_token(write(std::string(kTokenBytesMax, 'x') + "\n")));
  EXPECT_FALSE(read_token(write(std::string(kTokenBytesMax + 1, 'x'))));
  EXPECT_FALSE(read_token(write("\n")));
}

TEST_F(TokenFile, IsCheckedWithTheConfigurationAndRelativeToIt) {
  write("secret");
  const std::string file = folder_ / "mesh.yaml";
  const auto config = load("dropin: {tokenFile: token}\n", {}, file);
  ASSERT_TRUE(config) << to_string(config.error());
  EXPECT_EQ(config->dropin->token_file, folder_ / "token");
  const auto absent = load("dropin:\n  tokenFile: none\n", {}, file);
  ASSERT_FALSE(absent);
  EXPECT_EQ(to_string(absent.error()),
            file + ":5: dropin.tokenFile: " + (folder_ / "none") + " cannot be read\n");
}

}  // namespace
}  // namespace socketmesh::config

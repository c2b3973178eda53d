#include "sidecar/dropin/wire/messages.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sidecar/dropin/wire/msgpack.hpp"

namespace socketmesh::dropin {
namespace {

using nlohmann::json;

TEST(Messages, TheFormOfAServerIdTellsTheVersion) {
  EXPECT_EQ(version_of("00ff00ff00ff00ff"), Version::kV2);
  EXPECT_EQ(version_of("123e4567-e89b-12d3-a456-426614174000"), Version::kV1);
  for (const char* id :
       {"", "00ff00ff00ff00f", "00ff00ff00ff00ff0", "00ff00ff00ff00fg",
        "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
        "123e4567-e89b-12d3-a456-4266141740zz", "123e4567_e89b-12d3-a456-426614174000"})
    EXPECT_FALSE(version_of(id)) << id;
}

TEST(Messages, AddressesHaveHostPortAndPath) {
  const auto address = parse_address("ws://localhost:3001/mesh");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->port, 3001);
  EXPECT_EQ(address->path, "/mesh");
  EXPECT_TRUE(address->is_local());
  EXPECT_EQ(address->at("10.0.0.7"), "ws://10.0.0.7:3001/mesh");
  EXPECT_EQ(address->at("fd00::7"), "ws://[fd00::7]:3001/mesh");
  EXPECT_TRUE(parse_address("ws://0.0.0.0:1")->is_local());
  EXPECT_FALSE(parse_address("ws://[fd00::1]:1")->is_local());
  EXPECT_EQ(parse_address("ws://[fd00::1]:1")->host_and_port(), "[fd00::1]:1");
  for (const std::string& bad :
       {std::string("wss://a:1"), std::string("a:1"), std::string("ws://a"),
        std::string("ws://a:0"), std::string("ws://a:1/ b"), std::string("ws://a:1/\r\nX: y"),
        std::string("ws://:1")})
    EXPECT_FALSE(parse_address(bad)) << bad;
  const std::string longest = "ws://a:1/" + std::string(kAddressBytesMax - 9, 'p');
  EXPECT_TRUE(parse_address(longest));
  EXPECT_FALSE(parse_address(longest + "p"));
}

TEST(Messages, RegistrationsAreRead) {
  const Buffer message = json::to_msgpack(
      {{"type", "register"}, {"serverId", "id"}, {"address", "ws://a:1"}, {"token", "t"}});
  Register said;
  ASSERT_EQ(read_discovery(message, said), Discovery::kRegister);
  EXPECT_EQ(said.server_id, "id");
  EXPECT_EQ(said.address, "ws://a:1");
  EXPECT_EQ(said.token, "t");
  EXPECT_EQ(read_discovery(json::to_msgpack({{"type", "later"}}), said), Discovery::kOther);
  for (const json& bad : {json({{"type", 1}}), json({{"serverId", "x"}}), json::array(),
                          json({{"type", "register"}, {"serverId", "x"}}),
                          json({{"type", "register"}, {"serverId", 1}, {"address", "a"}})})
    EXPECT_EQ(read_discovery(json::to_msgpack(bad), said), Discovery::kMalformed) << bad;
}

TEST(Messages, AnUpdateListsServers) {
  Buffer out;
  const std::vector<Server> servers = {{"a", "ws://a:1"}, {"b", "ws://b:2"}};
  write_update(out, servers);
  EXPECT_EQ(json::from_msgpack(out), json::parse(R"({"type": "update", "servers": [
              {"serverId": "a", "address": "ws://a:1"}, {"serverId": "b", "address": "ws://b:2"}]})"));
}

Buffer hello(const json& value) {
  Buffer out = {kHelloKind};
  const Buffer body = json::to_msgpack(value);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

TEST(Messages, AHelloGetsAnotherAddressAndNothingElse) {
  // Fields in an order, and in encodings, that no writer of ours would choose.
  Buffer said = {kHelloKind, 0x84, 0xd9, 3, 'u', 'i', 'd', 0xda, 0, 2, 'i', 'd'};
  const Buffer before_address = said;
  Buffer key;
  msgpack::write_text(key, "address");
  said.insert(said.end(), key.begin(), key.end());
  Buffer rest = {0xa1, 'x', 0xcd, 0, 1, 0xa5, 't', 'o', 'k', 'e', 'n', 0xc0};
  Buffer expected = said;
  msgpack::write_text(said, "ws://old:1");
  msgpack::write_text(expected, "ws://127.0.0.1:8001/id");
  said.insert(said.end(), rest.begin(), rest.end());
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(hello_uid(said), "id");
  EXPECT_EQ(rewrite_hello(said, "ws://127.0.0.1:8001/id"), expected);
}

TEST(Messages, WhatIsNoHelloIsLeftAlone) {
  EXPECT_FALSE(rewrite_hello({}, "a"));
  EXPECT_FALSE(rewrite_hello(hello({{"uid", "x"}}), "a")) << "no address";
  Buffer mesh = hello({{"uid", "x"}, {"address", "b"}});
  mesh[0] = 1;
  EXPECT_FALSE(rewrite_hello(mesh, "a"));
  EXPECT_FALSE(hello_uid(mesh));
  mesh[0] = kHelloKind;
  mesh.pop_back();
  EXPECT_FALSE(rewrite_hello(mesh, "a"));
}

TEST(Messages, SecretsAreComparedWhole) {
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  EXPECT_FALSE(equal_secrets("abd", "abc"));
  EXPECT_FALSE(equal_secrets("ab", "abc"));
  EXPECT_FALSE(equal_secrets("abcabc", "abc"));
  EXPECT_FALSE(equal_secrets("", "abc"));
  EXPECT_FALSE(equal_secrets("abc", ""));
}

}  // namespace
}  // namespace socketmesh::dropin

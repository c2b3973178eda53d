#include "lib/base/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh {
namespace {

using testing::HasSubstr;

TEST(TcpEndpoint, TakesHostsAndPorts) {
  for (const char* text : {"127.0.0.1:7400", "[::1]:7400", "localhost:0", "chat-mesh.default.svc:1",
                           "a_b.example.:65535", "0.0.0.0:7401", "3com.example:80"}) {
    const auto endpoint = parse_tcp_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
}

TEST(TcpEndpoint, RefusesEverythingElse) {
  for (const char* text : {"",
                           ":",
                           "host",
                           "host:",
                           "host:-1",
                           "host:65536",
                           "host:080",
                           "host:80 ",
                           " host:80",
                           "256.1.1.1:80",
                           "1.2.3:80",
                           "1:80",
                           "a..b:80",
                           "-a:80",
                           "a-:80",
                           "a/b:80",
                           "[::1]",
                           "[::g]:80",
                           "[127.0.0.1]:80",
                           "[]:80",
                           "http://a:80",
                           "a@b:80"}) {
    EXPECT_FALSE(parse_tcp_endpoint(text)) << text;
  }
  EXPECT_THAT(parse_tcp_endpoint(":7400").error(), HasSubstr("0.0.0.0"));
  EXPECT_THAT(parse_tcp_endpoint("::1:7400").error(), HasSubstr("brackets"));
  EXPECT_FALSE(parse_tcp_endpoint(std::string(64, 'a') + ":80"));
}

TEST(TcpEndpoint, KnowsLoopback) {
  for (const char* text :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "localhost:1"}) {
    EXPECT_TRUE(parse_tcp_endpoint(text)->is_loopback()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[::ffff:10.0.0.1]:1",
                           "localhost.example:1", "128.0.0.1:1"}) {
    EXPECT_FALSE(parse_tcp_endpoint(text)->is_loopback()) << text;
  }
}

TEST(TcpEndpoint, KnowsAddressesFromNames) {
  EXPECT_TRUE(parse_tcp_endpoint("10.0.0.1:1")->is_address());
  EXPECT_TRUE(parse_tcp_endpoint("[fe80::1]:1")->is_address());
  EXPECT_FALSE(parse_tcp_endpoint("localhost:1")->is_address());
}

TEST(Endpoint, TakesThreeForms) {
  EXPECT_EQ(*parse_endpoint("unix:/run/app.sock"), Endpoint(UnixEndpoint{"/run/app.sock"}));
  EXPECT_EQ(*parse_endpoint("tcp://127.0.0.1:9"), Endpoint(TcpEndpoint{"127.0.0.1", 9}));
  EXPECT_EQ(*parse_endpoint("[::1]:9"), Endpoint(TcpEndpoint{"::1", 9}));
  EXPECT_EQ(to_string(*parse_endpoint("unix:/run/app.sock")), "unix:/run/app.sock");
  EXPECT_EQ(to_string(*parse_endpoint("tcp://[::1]:9")), "[::1]:9");
}

TEST(Endpoint, RefusesBadSocketPaths) {
  for (const char* text : {"unix:", "unix:app.sock", "unix:/", "unix:/run/", "unix://"}) {
    EXPECT_THAT(parse_endpoint(text).error(), HasSubstr("absolute")) << text;
  }
  const std::string longest = "/" + std::string(kUnixPathBytesMax - 1, 'a');
  EXPECT_TRUE(parse_endpoint("unix:" + longest));
  EXPECT_THAT(parse_endpoint("unix:" + longest + "a").error(), HasSubstr("too long"));
}

TEST(Endpoint, ListenersCollide) {
  const auto collide = [](const char* a, const char* b) {
    return listeners_collide(*parse_tcp_endpoint(a), *parse_tcp_endpoint(b));
  };
  EXPECT_TRUE(collide("127.0.0.1:1", "127.0.0.1:1"));
  EXPECT_TRUE(collide("0.0.0.0:1", "127.0.0.1:1"));
  EXPECT_TRUE(collide("127.0.0.1:1", "[::]:1"));
  EXPECT_FALSE(collide("127.0.0.1:1", "127.0.0.1:2"));
  EXPECT_FALSE(collide("127.0.0.1:1", "127.0.0.2:1"));
  EXPECT_FALSE(collide("0.0.0.0:0", "0.0.0.0:0"));
}

}  // namespace
}  // namespace socketmesh

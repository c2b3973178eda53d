#include "lib/kube/in_cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::kube {
namespace {

using testing::HasSubstr;

TEST(InCluster, IsWhereTheEnvironmentSays) {
  const auto access = in_cluster_access("10.96.0.1", "443");
  ASSERT_TRUE(access.has_value()) << access.error();
  EXPECT_EQ(access->server, (TcpEndpoint{"10.96.0.1", 443}));
  EXPECT_EQ(access->token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(access->ca_file, "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  EXPECT_EQ(access->namespace_file, "/var/run/secrets/kubernetes.io/serviceaccount/namespace");
}

TEST(InCluster, TakesNamesAndIPv6) {
  const auto v6 = in_cluster_access("fd00::1", "6443", "/x");
  ASSERT_TRUE(v6.has_value()) << v6.error();
  EXPECT_EQ(v6->server.to_string(), "[fd00::1]:6443");
  EXPECT_EQ(v6->token_file, "/x/token");
  EXPECT_TRUE(in_cluster_access("kubernetes.default.svc", "443").has_value());
}

TEST(InCluster, SaysWhatIsWrong) {
  const auto error = [](const char* host, const char* port) {
    const auto access = in_cluster_access(host, port);
    return access ? "" : access.error();
  };
  EXPECT_THAT(error("", ""), HasSubstr("not in a pod"));
  EXPECT_THAT(error("10.0.0.1", ""), HasSubstr("not in a pod"));
  EXPECT_THAT(error("10.0.0.1", "0"), HasSubstr("KUBERNETES_SERVICE_PORT is no port"));
  EXPECT_THAT(error("10.0.0.1", "65536"), HasSubstr("KUBERNETES_SERVICE_PORT is no port"));
  EXPECT_THAT(error("10.0.0.1/x", "443"), HasSubstr("KUBERNETES_SERVICE_HOST"));
}

TEST(InCluster, ATokenIsOneWord) {
  EXPECT_EQ(parse_token(" ey.J_-=\n").value(), "ey.J_-=");
  EXPECT_EQ(parse_token(std::string(kTokenBytesMax, 'x')).value().size(), kTokenBytesMax);
  for (const std::string& wrong :
       {std::string(), std::string(" \n"), std::string("a b"), std::string("a\r\nX-Evil: 1"),
        std::string("t\xc3\xa4"), std::string(kTokenBytesMax + 1, 'x')}) {
    const auto token = parse_token(wrong);
    ASSERT_FALSE(token.has_value());
    EXPECT_THAT(token.error(), testing::StartsWith("holds "));
  }
}

TEST(InCluster, ANamespaceIsALabel) {
  EXPECT_EQ(parse_namespace("default\n").value(), "default");
  EXPECT_EQ(parse_namespace("2nd").value(), "2nd");
  EXPECT_TRUE(parse_namespace(std::string(63, 'a')).has_value());
  for (const std::string& wrong :
       {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a/b"),
        std::string("a.b"), std::string(64, 'a')}) {
    EXPECT_FALSE(parse_namespace(wrong).has_value()) << wrong;
  }
}

TEST(InCluster, AServiceNameBeginsWithALetter) {
  EXPECT_EQ(parse_service_name("chat-mesh").value(), "chat-mesh");
  EXPECT_TRUE(parse_service_name(std::string(63, 'a')).has_value());
  for (const std::string& wrong : {std::string(), std::string("1a"), std::string(" a"),
                                   std::string("a,b=c"), std::string(64, 'a')}) {
    EXPECT_FALSE(parse_service_name(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace socketmesh::kube

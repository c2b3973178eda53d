#include "lib/config/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace socketmesh::config {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Environment, TakesOurVariables) {
  const std::array<const char*, 6> variables = {"PATH=/bin",         "SOCKETMESH_MESH_NAME=chat",
                                                "SOCKETMESH_EMPTY=", "SOCKETMESH_X=a=b",
                                                "SOCKETMESHY=no",    nullptr};
  EXPECT_THAT(read_environment(variables.data()),
              ElementsAre(Pair("SOCKETMESH_EMPTY", ""), Pair("SOCKETMESH_MESH_NAME", "chat"),
                          Pair("SOCKETMESH_X", "a=b")));
  EXPECT_TRUE(read_environment(nullptr).empty());
}

TEST(Environment, NamesVariables) {
  EXPECT_EQ(variable_name("link", "peer_timeout"), "SOCKETMESH_LINK_PEER_TIMEOUT");
}

TEST(Environment, KnowsWhatIsNotForTheConfiguration) {
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_SOCKET", "unix:/x"));
  // As a kubelet writes them for Services named socketmesh and socketmesh-operator.
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_SERVICE_HOST", "10.96.0.7"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_OPERATOR_SERVICE_PORT", "443"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_OPERATOR_SERVICE_PORT_HTTPS", "443"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_OPERATOR_PORT", "tcp://10.96.0.7:443"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_OPERATOR_PORT_443_TCP", "tcp://10.96.0.7:443"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_PORT_443_TCP_ADDR", "10.96.0.7"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_PORT_443_TCP_PORT", "443"));
  EXPECT_TRUE(is_foreign_variable("SOCKETMESH_PORT_53_UDP_PROTO", "udp"));

  EXPECT_FALSE(is_foreign_variable("SOCKETMESH_ADMIN_PORT", "7401"));
  EXPECT_FALSE(is_foreign_variable("SOCKETMESH_LINK_LISTEN", "127.0.0.1:7400"));
  EXPECT_FALSE(is_foreign_variable("SOCKETMESH_PORT_X_TCP", ""));
  EXPECT_FALSE(is_foreign_variable("SOCKETMESH_ADDR", ""));
}

}  // namespace
}  // namespace socketmesh::config

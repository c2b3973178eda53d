#include "operator/kube/transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/client.hpp"
#include "tests/operator/kube/client_fixture.hpp"
#include "tests/operator/kube/eventually.hpp"

namespace socketmesh::op::kube {
namespace {

using testing::HasSubstr;
using Kind = ApiError::Kind;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

// Whom the transport trusts, and how it names and reaches its server.
using TransportTest = ClientFixture;

TEST_F(TransportTest, TrustsNoOtherCa) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  const net::TestCertificates other;
  access_->ca_ = read_file(other.folder() + "/ca.crt");
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls) << result.error().to_string();
  EXPECT_TRUE(server_->requests().empty());  // and no token was sent
}

// The system's roots, where a cluster's CA may stand by chance or by attack, do not count.
TEST_F(TransportTest, TrustsNoSystemRoots) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  setenv("SSL_CERT_FILE", files_.ca.c_str(), 1);
  const net::TestCertificates other;
  access_->ca_ = read_file(other.folder() + "/ca.crt");
  const auto result = client().get(kChat);
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls);
}

TEST_F(TransportTest, FollowsARotatedCa) {
  serve([](const Request&, Connection& c) {
    c.reply(200, "{}");
    c.cut();
  });
  ASSERT_TRUE(client().get(kChat));
  const net::TestCertificates other;
  access_->ca_ = read_file(other.folder() + "/ca.crt");
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kTls);
  access_->ca_ += read_file(files_.ca);
  EXPECT_TRUE(client().get(kChat));
}

TEST_F(TransportTest, ChecksTheServersName) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  access_->tls_name_ = "other.example";
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls);
  EXPECT_THAT(result.error().message, HasSubstr("hostname mismatch"));
  // The server learns of it in its own time.
  EXPECT_TRUE(eventually([&] { return server_->sni() == "other.example"; }));
}

TEST_F(TransportTest, ChecksTheServersAddress) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  access_->server_.endpoint.host = access_->tls_name_ = "127.0.0.2";
  server_ = std::make_unique<ScriptedServer>(
      files_, [](const Request&, Connection& c) { c.reply(200, "{}"); },
      ScriptedServer::Options{.address = "127.0.0.2"});
  access_->server_.endpoint.port = server_->port();
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTls);
  EXPECT_THAT(result.error().message, HasSubstr("IP address mismatch"));
}

TEST_F(TransportTest, SaysTheNameOfANamedHost) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  access_->server_.endpoint.host = access_->tls_name_ = "localhost";
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(server_->sni(), "localhost");
}

TEST_F(TransportTest, ReachesAnIpv6Server) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); }, {.address = "::1"});
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(header(request(), "Host"), "[::1]:" + std::to_string(server_->port()));
  EXPECT_EQ(server_->sni(), "");
}

TEST_F(TransportTest, ShowsItsCertificate) {
  const auto script = [](const Request&, Connection& c) { c.reply(200, "{}"); };
  serve(script, {.client_ca = certificates_.folder() + "/ca.crt"});
  access_->token_.clear();
  EXPECT_FALSE(client().get(kChat));
  client_.reset();
  const net::TlsFiles user = certificates_.make("user");
  access_->certificate_ = ClientCertificate{read_file(user.cert), read_file(user.key)};
  const auto result = client().get(kChat);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(header(request(), "Authorization"), "");
}

}  // namespace
}  // namespace socketmesh::op::kube

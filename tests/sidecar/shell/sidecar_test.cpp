// The whole sidecar in this process: its admin port, and two of them as a mesh.
#include "sidecar/shell/sidecar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "tests/lib/net/test_certificates.hpp"
#include "tests/lib/net/tls_client.hpp"
#include "tests/sidecar/shell/support/http_get.hpp"
#include "tests/sidecar/shell/support/run_loop.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SidecarTest : public testing::Test {
 protected:
  config::SidecarConfig config(const std::string& id, std::vector<TcpEndpoint> peers = {}) const {
    config::SidecarConfig config;
    config.mesh = {"chat", id};
    config.app.listen = UnixEndpoint{folder_ / (id + ".sock")};
    config.link.listen = {"127.0.0.1", 0};
    config.admin.listen = {"127.0.0.1", 0};
    config.discovery = config::StaticDiscovery{std::move(peers)};
    return config;
  }

  std::string get(const Sidecar& sidecar, const std::string& path) {
    return http_get(io_, sidecar.admin_port(), path);
  }
  // The same over TLS, with a certificate.
  std::string get_by_tls(const Sidecar& sidecar, const std::string& path,
                         const net::TlsFiles& files) {
    const auto context = TlsContext::load(files);
    const std::uint16_t port = sidecar.admin_port();
    auto answer = std::async(std::launch::async, [&] {
      net::TlsClient client(port, TlsContext::https(*context));
      client.send("GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
      return client.read_to_end();
    });
    EXPECT_TRUE(run_until(io_, [&] {
      return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }));
    return answer.get();
  }
  static std::size_t linked(const Sidecar& sidecar) {
    std::size_t count = 0;
    for (const auto& link : sidecar.report().status.links) count += link.state == "linked" ? 1 : 0;
    return count;
  }

  support::TempFolder folder_;
  obs::Logger logger_{obs::LogLevel::kError};
  boost::asio::io_context io_;
};

TEST_F(SidecarTest, AnswersOnItsAdminPort) {
  const auto a = config("a");
  Sidecar sidecar(io_, logger_, a);
  ASSERT_TRUE(sidecar.start());
  ASSERT_TRUE(run_until(io_, [&] { return sidecar.ready(); }));
  EXPECT_THAT(get(sidecar, "/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(sidecar, "/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(nlohmann::json::parse(http_body(get(sidecar, "/status")))["sidecar_id"], "a");
  EXPECT_THAT(get(sidecar, "/metrics"), HasSubstr("socketmesh_ready 1\n"));
}

TEST_F(SidecarTest, ServesADashboardWithoutOtherSources) {
  const auto a = config("a");
  Sidecar sidecar(io_, logger_, a);
  ASSERT_TRUE(sidecar.start());
  const std::string page = get(sidecar, "/");
  EXPECT_THAT(page, HasSubstr("text/html"));
  EXPECT_THAT(page, HasSubstr("script-src 'self'"));
  EXPECT_EQ(http_body(page).find("src=\"http"), std::string::npos);
  for (const char* file : {"/dashboard.css", "/dashboard.js", "/format.js", "/model.js",
                           "/sparkline.js", "/tables.js", "/topology.js"}) {
    EXPECT_THAT(get(sidecar, file), StartsWith("HTTP/1.1 200")) << file;
  }
}

TEST_F(SidecarTest, IsNotReadyBeforeDiscoveryAnswers) {
  auto a = config("a");
  a.discovery = config::DnsDiscovery{{std::string(70, 'x'), 7400}, std::chrono::seconds(60)};
  Sidecar sidecar(io_, logger_, a);
  ASSERT_TRUE(sidecar.start());
  EXPECT_THAT(get(sidecar, "/readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(get(sidecar, "/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(SidecarTest, FormsAMesh) {
  const auto a_config = config("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  const auto b_config = config("b", {{"127.0.0.1", a.link_port()}});
  Sidecar b(io_, logger_, b_config);
  ASSERT_TRUE(b.start());
  EXPECT_TRUE(run_until(io_, [&] { return linked(a) == 1 && linked(b) == 1; }));
}

TEST_F(SidecarTest, FormsAMeshOverTls) {
  net::TestCertificates mesh;
  auto a_config = config("a");
  a_config.tls = mesh.make("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  auto b_config = config("b", {{"127.0.0.1", a.link_port()}});
  b_config.tls = mesh.make("b");
  Sidecar b(io_, logger_, b_config);
  ASSERT_TRUE(b.start());
  EXPECT_TRUE(run_until(io_, [&] { return linked(a) == 1 && linked(b) == 1; }));
  EXPECT_EQ(a.report().tls->bundle_sha256.size(), 64U);
}

TEST_F(SidecarTest, TakesNewCertificatesWithoutCuttingALink) {
  net::TestCertificates mesh;
  auto a_config = config("a");
  a_config.tls = mesh.make("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  auto b_config = config("b", {{"127.0.0.1", a.link_port()}});
  b_config.tls = mesh.make("b");
  Sidecar b(io_, logger_, b_config);
  ASSERT_TRUE(b.start());
  ASSERT_TRUE(run_until(io_, [&] { return linked(a) == 1 && linked(b) == 1; }));
  EXPECT_EQ(a.report().tls->reloads, 0U);

  mesh.make("a");  // another key and another leaf, in the same files
  EXPECT_TRUE(run_until(io_, [&] { return a.report().tls->reloads == 1; }));
  EXPECT_EQ(a.report().counters.links_lost, 0U);
  EXPECT_EQ(b.report().counters.links_lost, 0U);
  EXPECT_EQ(b.report().tls->reloads, 0U);
}

TEST_F(SidecarTest, AsksForTheMeshesIdentityOnItsAdminPort) {
  net::TestCertificates mesh;
  auto a_config = config("a");
  a_config.tls = mesh.make("a", ",URI:spiffe://socketmesh.io/ns/default/mesh/chat");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  const auto operators = mesh.make("b", ",URI:spiffe://socketmesh.io/ns/default/mesh/chat");
  EXPECT_THAT(get_by_tls(a, "/healthz", operators), HasSubstr("ok\n"));
  const auto others = mesh.make("c", ",URI:spiffe://socketmesh.io/ns/default/mesh/other");
  EXPECT_EQ(get_by_tls(a, "/healthz", others), "") << "of this CA, but of another mesh";
  EXPECT_TRUE(run_until(io_, [&] { return a.report().admin.refused_handshakes == 1; }));
  EXPECT_THAT(get(a, "/healthz"), StartsWith("HTTP/1.1 200")) << "plain, for a kubelet";
}

TEST_F(SidecarTest, NamesTheKeyOfWhatCannotBeListenedOn) {
  const auto a_config = config("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  auto b_config = config("b");
  b_config.app.listen = a_config.app.listen;
  Sidecar b(io_, logger_, b_config);
  const auto started = b.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error(), HasSubstr("app.listen"));
  EXPECT_THAT(started.error(), HasSubstr("in use"));
}

TEST_F(SidecarTest, SaysGoodbyeToItsPeers) {
  const auto a_config = config("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  const auto b_config = config("b", {{"127.0.0.1", a.link_port()}});
  Sidecar b(io_, logger_, b_config);
  ASSERT_TRUE(b.start());
  ASSERT_TRUE(run_until(io_, [&] { return linked(a) == 1 && linked(b) == 1; }));
  bool left = false;
  b.leave([&] { left = true; });
  EXPECT_TRUE(run_until(io_, [&] { return left; }));
  EXPECT_TRUE(b.ready()) << "a pod that drains still serves";
  EXPECT_TRUE(run_until(io_, [&] { return linked(a) == 0; }));
}

}  // namespace
}  // namespace socketmesh::shell

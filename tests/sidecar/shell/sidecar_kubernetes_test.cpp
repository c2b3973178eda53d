// Whole sidecars that find each other at a scripted API server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sidecar/shell/sidecar.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/sidecar/shell/support/api_server.hpp"
#include "tests/sidecar/shell/support/http_get.hpp"
#include "tests/sidecar/shell/support/mesh_service.hpp"
#include "tests/sidecar/shell/support/run_loop.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::StartsWith;

class SidecarKubernetesTest : public testing::Test {
 protected:
  SidecarKubernetesTest() {
    account_.write("token", "secret-token");
    account_.write("namespace", "chats\n");
    std::filesystem::copy_file(certificates_.folder() + "/ca.crt", account_ / "ca.crt");
    ::setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
    ::setenv("KUBERNETES_SERVICE_PORT", std::to_string(api_.port()).c_str(), 1);
    api_.handler = [this](ApiServer::Exchange& exchange) {
      if (exchange.is_watch()) {
        exchange.begin();
        watches_.push_back(exchange.shared_from_this());
      } else {
        lists_.push_back(exchange.shared_from_this());
        if (answers_lists_) exchange.answer(200, slice_list(5, slices_));
      }
    };
  }
  ~SidecarKubernetesTest() override {
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::unsetenv("KUBERNETES_SERVICE_PORT");
  }

  config::SidecarConfig config(const std::string& id) {
    config::SidecarConfig config;
    config.mesh = {"chat", id};
    config.app.listen = UnixEndpoint{account_ / (id + ".sock")};
    config.link.listen = {"127.0.0.1", 0};
    config.admin.listen = {"127.0.0.1", 0};
    config.discovery = config::KubernetesDiscovery{"", "chat-mesh", account_ / "."};
    config.tls = certificates_.make(id);
    return config;
  }
  // The event that a sidecar's pod is an endpoint now; a slice each, as their ports differ here.
  void announce(const std::string& name, const Sidecar& sidecar) {
    const auto slice = endpoint_slice(name, ++version_, {"127.0.0.1"}, sidecar.link_port());
    for (const auto& watch : watches_) watch->chunk(watch_event("ADDED", slice));
  }
  static std::size_t linked(const Sidecar& sidecar) {
    std::size_t count = 0;
    for (const auto& link : sidecar.report().status.links) count += link.state == "linked" ? 1 : 0;
    return count;
  }

  boost::asio::io_context io_;
  net::TestCertificates certificates_;
  support::TempFolder account_;
  std::string log_;
  obs::Logger logger_{obs::LogLevel::kInfo, obs::LogFormat::kText,
                      [this](std::string_view line) { log_ += line; }};
  ApiServer api_{io_, certificates_.make("api")};
  bool answers_lists_ = true;
  std::vector<nlohmann::json> slices_;
  int version_ = 10;
  std::vector<std::shared_ptr<ApiServer::Exchange>> lists_;
  std::vector<std::shared_ptr<ApiServer::Exchange>> watches_;
};

TEST_F(SidecarKubernetesTest, DialsANewEndpointWithin100MillisecondsOfItsEvent) {
  const auto a_config = config("a");
  const auto b_config = config("b");
  Sidecar a(io_, logger_, a_config);
  Sidecar b(io_, logger_, b_config);
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(b.start());
  ASSERT_TRUE(run_until(io_, [&] { return watches_.size() == 2; }));
  run_for(io_, milliseconds(50));
  EXPECT_EQ(a.report().counters.dials + b.report().counters.dials, 0U);
  const auto told = steady_clock::now();
  announce("b", b);
  ASSERT_TRUE(run_until(io_, [&] { return a.report().counters.dials > 0; }));
  EXPECT_LT(steady_clock::now() - told, milliseconds(100));
  EXPECT_TRUE(run_until(io_, [&] { return linked(a) == 1 && linked(b) == 1; }));
  EXPECT_THAT(lists_.front()->target, StartsWith("/apis/discovery.k8s.io/v1/namespaces/chats/"));
}

TEST_F(SidecarKubernetesTest, LinksOutliveTheApiServerAndTheirEndpoints) {
  const auto a_config = config("a");
  const auto b_config = config("b");
  Sidecar a(io_, logger_, a_config);
  Sidecar b(io_, logger_, b_config);
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(b.start());
  ASSERT_TRUE(run_until(io_, [&] { return watches_.size() == 2; }));
  announce("b", b);
  ASSERT_TRUE(run_until(io_, [&] { return linked(a) == 1; }));
  // The endpoint leaves the slices, as it does when its pod begins to end.
  for (const auto& watch : watches_) {
    watch->chunk(watch_event("MODIFIED", endpoint_slice("b", ++version_, {})));
  }
  ASSERT_TRUE(run_until(io_, [&] { return a.report().watch->addresses == 0; }));
  api_.close();
  run_for(io_, milliseconds(300));
  EXPECT_EQ(linked(a), 1U);
  EXPECT_EQ(linked(b), 1U);
  EXPECT_EQ(log_.find("secret-token"), std::string::npos);
}

TEST_F(SidecarKubernetesTest, IsReadyWhenTheFirstListWasRead) {
  answers_lists_ = false;
  const auto a_config = config("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(run_until(io_, [&] { return lists_.size() == 1; }));
  EXPECT_THAT(http_get(io_, a.admin_port(), "/readyz"), StartsWith("HTTP/1.1 503"));
  lists_.front()->answer(200, slice_list(5, {}));
  ASSERT_TRUE(run_until(io_, [&] { return a.ready(); }, std::chrono::seconds(2)));
  EXPECT_THAT(http_get(io_, a.admin_port(), "/readyz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(SidecarKubernetesTest, IsReadyAllTheSameAfterABoundedWait) {
  api_.close();
  const auto a_config = config("a");
  Sidecar a(io_, logger_, a_config, milliseconds(300));
  const auto start = steady_clock::now();
  ASSERT_TRUE(a.start());
  EXPECT_THAT(http_get(io_, a.admin_port(), "/readyz"), StartsWith("HTTP/1.1 503"));
  ASSERT_TRUE(run_until(io_, [&] { return a.ready(); }));
  EXPECT_GE(steady_clock::now() - start, milliseconds(300));
  EXPECT_THAT(http_get(io_, a.admin_port(), "/readyz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(SidecarKubernetesTest, TellsOfTheWatch) {
  const auto a_config = config("a");
  Sidecar a(io_, logger_, a_config);
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(run_until(io_, [&] { return !watches_.empty(); }));
  const std::string metrics = http_get(io_, a.admin_port(), "/metrics");
  EXPECT_THAT(metrics, HasSubstr("socketmesh_discovery_up 1\n"));
  EXPECT_THAT(metrics, HasSubstr("socketmesh_discovery_lists_total 1\n"));
  const auto status = nlohmann::json::parse(http_body(http_get(io_, a.admin_port(), "/status")));
  EXPECT_EQ(status["endpoint_watch"]["lists"], 1);
}

TEST_F(SidecarKubernetesTest, NamesTheKeyOfWhatItCannotKnow) {
  auto a_config = config("a");
  std::filesystem::remove(account_ / "namespace");
  {
    Sidecar a(io_, logger_, a_config);
    const auto started = a.start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error(), StartsWith("discovery.kubernetes.namespace (default): '"));
    EXPECT_THAT(started.error(), HasSubstr("/namespace': No such file"));
  }
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  Sidecar a(io_, logger_, a_config);
  const auto started = a.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error(), HasSubstr("not in a pod of a cluster"));
}

}  // namespace
}  // namespace socketmesh::shell

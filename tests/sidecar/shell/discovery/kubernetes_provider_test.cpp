// The provider against a scripted HTTPS server: real TLS, real files, real time.
#include "sidecar/shell/discovery/kubernetes_provider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lib/net/test_certificates.hpp"
#include "tests/sidecar/shell/support/api_server.hpp"
#include "tests/sidecar/shell/support/mesh_service.hpp"
#include "tests/sidecar/shell/support/run_loop.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Addresses = Provider::Addresses;
using Exchange = ApiServer::Exchange;

class KubernetesProviderTest : public testing::Test {
 protected:
  KubernetesProviderTest() {
    account_.write("token", "token-1\n");
    copy_ca(cluster_);
    server_.handler = [this](Exchange& exchange) {
      requests_.push_back(exchange.target);
      tokens_.push_back(exchange.authorization);
      if (exchange.is_watch()) {
        watch_ = exchange.shared_from_this();
        on_watch_(exchange);
      } else {
        on_list_(exchange);
      }
    };
  }

  void copy_ca(const net::TestCertificates& from) {
    std::filesystem::copy_file(from.folder() + "/ca.crt", account_ / "ca.crt",
                               std::filesystem::copy_options::overwrite_existing);
  }

  KubernetesProvider::Options options() {
    KubernetesProvider::Options options;
    const auto port = std::to_string(server_.port());
    options.access = kube::in_cluster_access("127.0.0.1", port, account_ / ".").value();
    options.space = "default";
    options.service = "chat-mesh";
    options.times.backoff_min = milliseconds(20);
    options.times.backoff_max = milliseconds(100);
    options.times.settle = milliseconds(50);
    options.times.response_timeout = milliseconds(500);
    return options;
  }
  void start() { start(options()); }
  void start(KubernetesProvider::Options options) {
    provider_.emplace(io_, logger_, std::move(options));
    provider_->start([this](const Addresses& addresses) {
      lists_.push_back(addresses);
      published_ = steady_clock::now();
    });
  }
  bool wait_for(const std::function<bool()>& holds) { return run_until(io_, holds); }
  bool watching() {
    return wait_for([this] { return watch_ != nullptr && watch_->open(); });
  }
  void send(const std::string& events) { watch_->chunk(events); }

  [[nodiscard]] std::size_t logged(const std::string& text) const {
    std::size_t count = 0;
    for (auto at = log_.find(text); at != std::string::npos; at = log_.find(text, at + 1)) ++count;
    return count;
  }
  [[nodiscard]] std::size_t watches() const {
    return static_cast<std::size_t>(std::count_if(
        requests_.begin(), requests_.end(),
        [](const std::string& target) { return target.find("watch=1") != std::string::npos; }));
  }

  std::string log_;
  obs::Logger logger_{obs::LogLevel::kInfo, obs::LogFormat::kText,
                      [this](std::string_view line) { log_ += line; }};
  boost::asio::io_context io_;
  net::TestCertificates cluster_;
  support::TempFolder account_;
  ApiServer server_{io_, cluster_.make("api")};
  std::function<void(Exchange&)> on_list_ = [](Exchange& exchange) {
    exchange.answer(200, slice_list(5, {endpoint_slice("x", 4, {"10.0.0.1", "10.0.0.2"})}));
  };
  std::function<void(Exchange&)> on_watch_ = [](Exchange& exchange) { exchange.begin(); };
  std::vector<std::string> requests_;
  std::vector<std::string> tokens_;
  std::shared_ptr<Exchange> watch_;
  std::vector<Addresses> lists_;
  steady_clock::time_point published_;
  std::optional<KubernetesProvider> provider_;
};

TEST_F(KubernetesProviderTest, ReadsTheListThenFollowsTheWatchOverOneConnection) {
  start();
  EXPECT_TRUE(lists_.empty());
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_THAT(lists_, ElementsAre(Addresses{"10.0.0.1:7400", "10.0.0.2:7400"}));
  EXPECT_EQ(requests_.front(),
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
            "?labelSelector=kubernetes.io%2Fservice-name%3Dchat-mesh&limit=20");
  EXPECT_THAT(requests_.back(), HasSubstr("&resourceVersion=5&"));
  EXPECT_THAT(tokens_, ElementsAre("Bearer token-1", "Bearer token-1"));
  EXPECT_EQ(server_.connections, 1);
  EXPECT_EQ(log_, "");
}

TEST_F(KubernetesProviderTest, HandsAChangeOnWithin100Milliseconds) {
  start();
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  const auto sent = steady_clock::now();
  send(watch_event("ADDED", endpoint_slice("y", 6, {"10.0.0.3"})));
  ASSERT_TRUE(wait_for([this] { return lists_.size() == 2; }));
  EXPECT_LT(published_ - sent, milliseconds(100));
  EXPECT_THAT(lists_.back(), ElementsAre("10.0.0.1:7400", "10.0.0.2:7400", "10.0.0.3:7400"));
  send(watch_event("DELETED", endpoint_slice("x", 7, {})));
  ASSERT_TRUE(wait_for([this] { return lists_.size() == 3; }));
  EXPECT_THAT(lists_.back(), ElementsAre("10.0.0.3:7400"));
}

TEST_F(KubernetesProviderTest, ABurstIsHandedOnTogether) {
  start();
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  SliceAddresses pods;
  for (int i = 0; i < 50; ++i) {
    pods.push_back("10.0.1." + std::to_string(i));
    send(watch_event("MODIFIED", endpoint_slice("x", 6 + i, pods)));
  }
  ASSERT_TRUE(wait_for([this] { return lists_.back().size() == 50; }));
  EXPECT_LE(lists_.size(), 5U);
  EXPECT_EQ(provider_->watch_figures()->stats.events, 50U);
  EXPECT_EQ(provider_->watch_figures()->addresses, 50U);
}

TEST_F(KubernetesProviderTest, WhatChangesNoAddressIsNotHandedOn) {
  start();
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  send(watch_event("MODIFIED", endpoint_slice("x", 6, {"10.0.0.2", "10.0.0.1"})));
  send(watch_event("BOOKMARK", {{"metadata", {{"resourceVersion", "9"}}}}));
  ASSERT_TRUE(wait_for([this] { return provider_->watch_figures()->stats.bookmarks == 1; }));
  run_for(io_, 3 * KubernetesProvider::kCoalesce);
  EXPECT_EQ(lists_.size(), 1U);
}

TEST_F(KubernetesProviderTest, AServiceOfNobodyIsAnAnswer) {
  on_list_ = [](Exchange& exchange) { exchange.answer(200, slice_list(5, {})); };
  start();
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_THAT(lists_, ElementsAre(Addresses{}));
}

TEST_F(KubernetesProviderTest, ReadsAListOfSeveralPages) {
  on_list_ = [](Exchange& exchange) {
    if (exchange.target.find("continue=") == std::string::npos) {
      exchange.answer(200, slice_list(5, {endpoint_slice("x", 4, {"10.0.0.1"})}, "more"));
    } else {
      exchange.answer(200, slice_list(5, {endpoint_slice("y", 4, {"10.0.0.2"})}));
    }
  };
  start();
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_THAT(lists_, ElementsAre(Addresses{"10.0.0.1:7400", "10.0.0.2:7400"}));
  ASSERT_TRUE(watching());
  EXPECT_EQ(server_.connections, 1);
}

TEST_F(KubernetesProviderTest, EventsMayBeCutAnywhere) {
  start();
  ASSERT_TRUE(watching());
  const std::string event = watch_event("ADDED", endpoint_slice("y", 6, {"10.0.0.3"}));
  for (const char c : event) send(std::string(1, c));
  ASSERT_TRUE(wait_for([this] { return !lists_.empty() && lists_.back().size() == 3; }));
}

TEST_F(KubernetesProviderTest, ABigListArrivesWhole) {
  SliceAddresses pods;
  for (int i = 0; i < 1'000; ++i) {
    pods.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  }
  on_list_ = [&pods](Exchange& exchange) {
    exchange.answer(200, slice_list(5, {endpoint_slice("x", 4, pods)}));
  };
  start();
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_EQ(lists_.back().size(), 1'000U);
}

TEST_F(KubernetesProviderTest, ResumesAWatchThatTheServerEnds) {
  start();
  ASSERT_TRUE(watching());
  run_for(io_, milliseconds(80));  // it has settled
  send(watch_event("BOOKMARK", {{"metadata", {{"resourceVersion", "40"}}}}));
  watch_->end();
  ASSERT_TRUE(wait_for([this] { return watches() == 2; }));
  EXPECT_THAT(requests_.back(), HasSubstr("&resourceVersion=40&"));
  EXPECT_EQ(provider_->watch_figures()->stats.relists, 0U);
  EXPECT_EQ(server_.connections, 2) << "a watch begins with a handshake";
}

TEST_F(KubernetesProviderTest, ListsAnewWhenTheVersionIsGone) {
  start();
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  on_list_ = [](Exchange& exchange) {
    exchange.answer(200, slice_list(90, {endpoint_slice("z", 80, {"10.0.0.9"})}));
  };
  send(R"({"type":"ERROR","object":)" + status_object(410, "too old resource version") + "}\n");
  ASSERT_TRUE(wait_for([this] { return lists_.size() == 2; }));
  EXPECT_THAT(lists_.back(), ElementsAre("10.0.0.9:7400"));
  ASSERT_TRUE(wait_for([this] { return watches() == 2; }));
  EXPECT_THAT(requests_.back(), HasSubstr("&resourceVersion=90&"));
  EXPECT_EQ(provider_->watch_figures()->stats.relists, 1U);
  EXPECT_EQ(log_, "");
}

TEST_F(KubernetesProviderTest, KeepsThePeersWhileTheServerIsAway) {
  start();
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  server_.close();
  run_for(io_, milliseconds(500));
  EXPECT_EQ(lists_.size(), 1U);
  EXPECT_TRUE(provider_->watch_figures()->troubled);
  EXPECT_GE(provider_->watch_figures()->staleness, milliseconds(400));
  EXPECT_EQ(logged("endpoints cannot be watched"), 1U) << log_;
  EXPECT_THAT(log_, HasSubstr("addresses_kept=2"));

  const std::size_t before = requests_.size();
  server_.reopen();
  ASSERT_TRUE(wait_for([this] { return logged("endpoints are watched again") == 1; }));
  EXPECT_THAT(requests_.at(before), HasSubstr("&resourceVersion=5&")) << "resumed, not listed";
  EXPECT_EQ(logged("endpoints cannot be watched"), 1U) << log_;
  EXPECT_FALSE(provider_->watch_figures()->troubled);
  EXPECT_EQ(lists_.size(), 1U);
}

TEST_F(KubernetesProviderTest, GivesAHangingServerUp) {
  on_watch_ = [](Exchange&) {};  // takes the request, and never answers
  start();
  ASSERT_TRUE(wait_for([this] { return watches() == 1; }));
  const auto first = watch_;
  ASSERT_TRUE(wait_for([this] { return watches() == 2; }));
  EXPECT_TRUE(wait_for([&] { return !first->open(); })) << "its connection is closed";
  EXPECT_THAT(log_, HasSubstr("reason=timeout"));
}

TEST_F(KubernetesProviderTest, GivesAWatchUpThatOutlivesItsTimeout) {
  auto impatient = options();
  impatient.times.watch = std::chrono::seconds(1);
  impatient.times.watch_margin = milliseconds(100);
  start(impatient);
  ASSERT_TRUE(wait_for([this] { return watches() == 2; }));
  EXPECT_THAT(log_, HasSubstr("reason=timeout"));
}

TEST_F(KubernetesProviderTest, ReadsTheTokenForEachRequest) {
  on_list_ = [this](Exchange& exchange) {
    if (exchange.authorization != "Bearer token-2") {
      exchange.answer(401, status_object(401, "Unauthorized"));
    } else {
      exchange.answer(200, slice_list(5, {endpoint_slice("x", 4, {"10.0.0.1"})}));
    }
  };
  start();
  ASSERT_TRUE(wait_for([this] { return !tokens_.empty(); }));
  run_for(io_, milliseconds(30));
  account_.write("token", "token-2");
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_EQ(tokens_.front(), "Bearer token-1");
  EXPECT_EQ(tokens_.back(), "Bearer token-2");
  EXPECT_THAT(log_, AllOf(HasSubstr("reason=unauthorized"), Not(HasSubstr("token-"))));
}

TEST_F(KubernetesProviderTest, WaitsForAMissingToken) {
  std::filesystem::remove(account_ / "token");
  start();
  ASSERT_TRUE(wait_for([this] { return logged("endpoints cannot be watched") == 1; }));
  EXPECT_THAT(log_, HasSubstr("token': No such file"));
  EXPECT_EQ(server_.connections, 0);
  account_.write("token", "late");
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_EQ(tokens_.front(), "Bearer late");
}

TEST_F(KubernetesProviderTest, TakesARotatedCaThroughTheKubeletsLink) {
  // As a projected volume: ca.crt -> ..data/ca.crt, ..data -> a folder that is swapped.
  const net::TestCertificates old;
  std::filesystem::create_directory(account_ / "..1");
  std::filesystem::create_directory(account_ / "..2");
  std::filesystem::copy_file(old.folder() + "/ca.crt", account_ / "..1/ca.crt");
  std::filesystem::copy_file(cluster_.folder() + "/ca.crt", account_ / "..2/ca.crt");
  std::filesystem::create_directory_symlink("..1", account_ / "..data");
  std::filesystem::remove(account_ / "ca.crt");
  std::filesystem::create_symlink("..data/ca.crt", account_ / "ca.crt");
  start();
  ASSERT_TRUE(wait_for([this] { return server_.handshakes_failed > 0; }));
  run_for(io_, milliseconds(100));
  EXPECT_THAT(log_, HasSubstr("the certificate of 127.0.0.1:"));
  EXPECT_EQ(logged("endpoints cannot be watched"), 1U);
  EXPECT_TRUE(requests_.empty()) << "no token for a stranger";

  std::filesystem::create_directory_symlink("..2", account_ / "..data_tmp");
  std::filesystem::rename(account_ / "..data_tmp", account_ / "..data");
  ASSERT_TRUE(wait_for([this] { return logged("endpoints are watched again") == 1; }));
  EXPECT_EQ(lists_.size(), 1U);
}

TEST_F(KubernetesProviderTest, TakesABundleOfCas) {
  const net::TestCertificates other;
  std::ofstream(account_ / "ca.crt") << std::ifstream(other.folder() + "/ca.crt").rdbuf()
                                     << std::ifstream(cluster_.folder() + "/ca.crt").rdbuf();
  start();
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
}

TEST_F(KubernetesProviderTest, RefusesACaThatIsNone) {
  account_.write("ca.crt", "nothing\n");
  start();
  ASSERT_TRUE(wait_for([this] { return logged("endpoints cannot be watched") == 1; }));
  EXPECT_THAT(log_, HasSubstr("ca.crt': holds no CA certificate in PEM form"));
  EXPECT_EQ(server_.connections, 0);
}

TEST_F(KubernetesProviderTest, RefusesACertificateForAnotherHost) {
  ApiServer elsewhere(io_, cluster_.make("elsewhere"), "127.0.0.2");  // its names: 127.0.0.1
  bool asked = false;
  elsewhere.handler = [&](Exchange&) { asked = true; };
  auto there = options();
  there.access.server = {"127.0.0.2", elsewhere.port()};
  start(there);
  ASSERT_TRUE(wait_for([&] { return elsewhere.handshakes_failed > 0; }));
  EXPECT_FALSE(asked);
  ASSERT_TRUE(wait_for([this] { return !log_.empty(); }));
  EXPECT_THAT(log_, HasSubstr("IP address mismatch"));
}

TEST_F(KubernetesProviderTest, DialsAServerByItsName) {
  auto named = options();
  named.access.server.host = "localhost";
  start(named);
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
}

TEST_F(KubernetesProviderTest, SaysWhyItIsForbidden) {
  on_list_ = [](Exchange& exchange) {
    exchange.answer(403, status_object(403, "endpointslices is forbidden: no Role"));
  };
  start();
  ASSERT_TRUE(wait_for([this] { return requests_.size() > 3; }));
  EXPECT_EQ(logged("endpoints cannot be watched"), 1U);
  EXPECT_THAT(log_, AllOf(HasSubstr("reason=forbidden"), HasSubstr("no Role")));
  EXPECT_TRUE(lists_.empty());
}

TEST_F(KubernetesProviderTest, WaitsAsLongAsTheServerAsks) {
  on_list_ = [](Exchange& exchange) {
    if (exchange.requests == 1) exchange.answer(429, "{}", "Retry-After: 1\r\n");
  };
  start();
  ASSERT_TRUE(wait_for([this] { return requests_.size() == 1; }));
  const auto refused = steady_clock::now();
  ASSERT_TRUE(wait_for([this] { return requests_.size() == 2; }));
  EXPECT_GE(steady_clock::now() - refused, milliseconds(950));
}

TEST_F(KubernetesProviderTest, AServerThatCutsAnAnswerIsAskedAgain) {
  int lists = 0;
  on_list_ = [&](Exchange& exchange) {
    if (++lists > 1) {
      exchange.answer(200, slice_list(5, {}));
      return;
    }
    exchange.begin();
    exchange.chunk(R"({"metadata":)");
    boost::asio::post(io_, [one = exchange.shared_from_this()] { one->drop(); });
  };
  start();
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  EXPECT_THAT(log_, HasSubstr("reason=transport"));
}

TEST_F(KubernetesProviderTest, SaysOnceThatASliceIsOfNoUse) {
  start();
  ASSERT_TRUE(watching());
  nlohmann::json useless = endpoint_slice("y", 6, {"10.0.0.3"}, 80);
  useless["ports"][0]["name"] = "http";
  send(watch_event("ADDED", useless));
  ASSERT_TRUE(wait_for([this] { return logged("without a usable port") == 1; }));
  send(watch_event("MODIFIED", useless));
  run_for(io_, 3 * KubernetesProvider::kCoalesce);
  EXPECT_EQ(logged("without a usable port"), 1U);
  EXPECT_EQ(lists_.back().size(), 2U);
}

TEST_F(KubernetesProviderTest, IsSilentOnceStopped) {
  start();
  ASSERT_TRUE(watching());
  ASSERT_TRUE(wait_for([this] { return !lists_.empty(); }));
  send(watch_event("ADDED", endpoint_slice("y", 6, {"10.0.0.3"})));
  provider_->stop();
  EXPECT_TRUE(wait_for([this] { return !watch_->open(); })) << "the connection is closed";
  run_for(io_, milliseconds(200));
  EXPECT_EQ(lists_.size(), 1U);
  EXPECT_EQ(server_.connections, 1);
  EXPECT_EQ(log_, "");
}

TEST_F(KubernetesProviderTest, MayGoWhileItConnects) {
  start();
  provider_.reset();
  run_for(io_, milliseconds(50));
  EXPECT_TRUE(lists_.empty());
}

}  // namespace
}  // namespace socketmesh::shell

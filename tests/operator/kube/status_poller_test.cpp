#include "operator/kube/status_poller.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "operator/kube/runtime.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/scripted_server.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::kube {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Kind = PollError::Kind;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

const std::string kSpiffe = "spiffe://socketmesh.io/ns/default/mesh/chat";

class StatusPollerTest : public testing::Test {
 protected:
  StatusPollerTest() {
    init_runtime();
    const net::TlsFiles files = certificates_.make("operator", ",URI:" + kSpiffe);
    credentials_ = {read_file(files.ca), read_file(files.cert), read_file(files.key), kSpiffe};
  }

  void serve(ScriptedServer::Script script, const std::string& names = ",URI:" + kSpiffe,
             const std::string& address = "127.0.0.1") {
    files_ = certificates_.make("sidecar", names);
    server_ = std::make_unique<ScriptedServer>(
        files_, std::move(script),
        ScriptedServer::Options{.address = address, .client_ca = files_.ca});
    request_.address = address;
    request_.port = server_->port();
  }
  StatusPoller::Result poll() {
    request_.credentials = std::make_shared<MeshCredentials>(credentials_);
    std::promise<StatusPoller::Result> result;
    poller_.poll(request_, [&](StatusPoller::Result got) { result.set_value(std::move(got)); });
    return result.get_future().get();
  }

  // Nothing when the poll succeeded.
  std::optional<Kind> poll_error() {
    const auto result = poll();
    return result ? std::nullopt : std::optional(result.error().kind);
  }

  net::TestCertificates certificates_;
  MeshCredentials credentials_;
  net::TlsFiles files_;
  std::unique_ptr<ScriptedServer> server_;
  PollRequest request_;
  StatusPoller poller_;
};

TEST_F(StatusPollerTest, AsksASidecarOfItsMesh) {
  serve([](const Request&, Connection& c) { c.reply(200, R"({"members":3})"); });
  const auto status = poll();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ((*status)["members"], 3);
  const Request request = server_->requests().front();
  EXPECT_EQ(request.target(), "/status");
  EXPECT_EQ(request["Host"], "127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_EQ(server_->sni(), "");
}

TEST_F(StatusPollerTest, ReachesIpv6) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); }, ",URI:" + kSpiffe, "::1");
  EXPECT_TRUE(poll());  // its certificate does not name ::1: addresses do not count
}

TEST_F(StatusPollerTest, RefusesAnotherMeshOfTheSameCa) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); },
        ",URI:spiffe://socketmesh.io/ns/default/mesh/other");
  const auto status = poll();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, Kind::kTls);
  EXPECT_THAT(status.error().message, HasSubstr(kSpiffe));
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(StatusPollerTest, RefusesAnIdThatOnlyBeginsLikeTheMeshs) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); }, ",URI:" + kSpiffe + "2");
  EXPECT_EQ(poll_error(), Kind::kTls);
}

TEST_F(StatusPollerTest, RefusesAStrangersCa) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  const net::TestCertificates other;
  credentials_.ca_pem = read_file(other.folder() + "/ca.crt");
  EXPECT_EQ(poll_error(), Kind::kTls);
  // While a root is rotated both are in the bundle.
  credentials_.ca_pem += read_file(files_.ca);
  EXPECT_TRUE(poll());
}

TEST_F(StatusPollerTest, TellsThatItsOwnCertificateWasRefused) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  net::TestCertificates other;
  const net::TlsFiles stranger = other.make("stranger", ",URI:" + kSpiffe);
  credentials_.cert_pem = read_file(stranger.cert);
  credentials_.key_pem = read_file(stranger.key);
  EXPECT_EQ(poll_error(), Kind::kTls);
}

TEST_F(StatusPollerTest, TellsBadCredentials) {
  serve([](const Request&, Connection& c) { c.reply(200, "{}"); });
  credentials_.key_pem = "no key";
  EXPECT_EQ(poll_error(), Kind::kCredentials);
}

TEST_F(StatusPollerTest, EndsAtItsDeadlineWhateverTrickles) {
  serve([](const Request&, Connection& c) {
    c.begin_chunks();
    while (c.chunk(" ")) std::this_thread::sleep_for(milliseconds(20));
  });
  request_.timeout = milliseconds(200);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(poll_error(), Kind::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(2'000));
}

TEST_F(StatusPollerTest, TellsThatNobodyListens) {
  serve([](const Request&, Connection&) {});
  server_.reset();
  EXPECT_EQ(poll_error(), Kind::kUnreachable);
  request_.address = "chat.example";
  EXPECT_EQ(poll_error(), Kind::kUnreachable);
}

TEST_F(StatusPollerTest, BoundsWhatItTakes) {
  const auto of_size = [](std::size_t size) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n\"" +
           std::string(size - 2, 'x') + "\"";
  };
  const std::vector<std::pair<std::string, std::optional<Kind>>> cases{
      {of_size(kStatusBodyBytesMax), std::nullopt},
      {of_size(kStatusBodyBytesMax + 1), Kind::kBadResponse},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(kStatusHeaderBytesMax, 'x') + "\r\n\r\n",
       Kind::kBadResponse},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n", Kind::kBadResponse},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", Kind::kBadResponse},
      {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", Kind::kStatus}};
  std::atomic<std::size_t> now = 0;
  serve([&](const Request&, Connection& c) { c.write(cases[now].first); });
  for (; now < cases.size(); ++now) EXPECT_EQ(poll_error(), cases[now].second) << "case " << now;
}

TEST_F(StatusPollerTest, RunsAFewAtOnce) {
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  serve([&](const Request&, Connection& c) {
    const int now = ++at_once;
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    std::this_thread::sleep_for(milliseconds(20));
    --at_once;
    c.reply(200, "{}");
  });
  request_.timeout = std::chrono::seconds(20);
  request_.credentials = std::make_shared<MeshCredentials>(credentials_);
  constexpr int kPolls = 60;
  std::atomic<int> good = 0;
  std::promise<void> all;
  std::atomic<int> left = kPolls;
  for (int i = 0; i < kPolls; ++i) {
    poller_.poll(request_, [&](const StatusPoller::Result& result) {
      if (result) ++good;
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(good, kPolls);
  EXPECT_LE(most, static_cast<int>(kPollsMax));
  EXPECT_GT(most, 4);
}

TEST_F(StatusPollerTest, CallsNothingAfterClose) {
  serve([](const Request&, Connection& c) { c.wait_closed(); });
  request_.timeout = std::chrono::seconds(20);
  request_.credentials = std::make_shared<MeshCredentials>(credentials_);
  std::atomic<int> told = 0;
  for (int i = 0; i < 40; ++i) poller_.poll(request_, [&](const StatusPoller::Result&) { ++told; });
  std::this_thread::sleep_for(milliseconds(50));
  poller_.close();
  const int before = told;
  poller_.poll(request_, [&](const StatusPoller::Result&) { ++told; });
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(told, before);
  poller_.close();  // again
}

}  // namespace
}  // namespace socketmesh::op::kube

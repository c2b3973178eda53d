#include <utility>  // before Asio 1.74, which forgets it

#include "operator/kube/https_listener.hpp"
//
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <thread>

#include "operator/kube/runtime.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/eventually.hpp"
#include "tests/operator/kube/test_access.hpp"
#include "tests/operator/kube/tls_client.hpp"

namespace socketmesh::op::kube {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HttpsListenerTest : public testing::Test {
 protected:
  HttpsListenerTest() { init_runtime(); }

  ServerCertificate certificate(const std::string& name) {
    const net::TlsFiles files = certificates_.make(name);
    return {read_file(files.cert), read_file(files.key)};
  }
  void start(HttpsLimits limits = {}, const std::string& address = "127.0.0.1") {
    listener_ = std::make_unique<HttpsListener>(logger_, limits);
    listener_->post("/mutate", [this](const std::string& body) {
      if (on_mutate_) on_mutate_();
      return std::pair{200, "echo " + std::to_string(body.size())};
    });
    listener_->post("/throws", [](const std::string&) -> std::pair<int, std::string> {
      throw std::runtime_error("no luck");
    });
    ASSERT_TRUE(listener_->set_certificate(certificate("first")));
    const auto listening = listener_->listen({address, 0});
    ASSERT_TRUE(listening) << listening.error();
  }
  std::unique_ptr<TlsClient> connect() {
    auto client = std::make_unique<TlsClient>(listener_->port());
    EXPECT_TRUE(client->handshake());
    return client;
  }

  obs::Logger logger_{obs::LogLevel::kError};
  net::TestCertificates certificates_;
  std::function<void()> on_mutate_;
  std::unique_ptr<HttpsListener> listener_;
};

TEST_F(HttpsListenerTest, AnswersPostsOnOneConnection) {
  start();
  const auto client = connect();
  for (int i = 0; i < 3; ++i) {
    const std::string answer = client->post("/mutate?timeout=2s", "{}", "echo 2");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json"));
  }
  EXPECT_EQ(listener_->stats().requests, 3U);
  EXPECT_EQ(listener_->stats().connections, 1U);
}

TEST_F(HttpsListenerTest, ReadsChunkedBodies) {
  start();
  const auto client = connect();
  client->send("POST /mutate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_THAT(client->read("echo 3"), HasSubstr("200 OK"));
}

TEST_F(HttpsListenerTest, RefusesOtherPathsMethodsAndTexts) {
  start();
  EXPECT_THAT(connect()->post("/other", "{}", "}"), StartsWith("HTTP/1.1 404"));
  const auto getter = connect();
  getter->send("GET /mutate HTTP/1.1\r\n\r\n");
  EXPECT_THAT(getter->read("}"), StartsWith("HTTP/1.1 405"));
  const auto babbler = connect();
  babbler->send("what\r\n\r\n");
  EXPECT_THAT(babbler->read(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(listener_->stats().bad_requests, 3U);
  EXPECT_EQ(listener_->stats().requests, 0U);
}

// What ends cpprestsdk's listener; see the ADR.
TEST_F(HttpsListenerTest, SurvivesWrongChunkSizes) {
  start();
  for (const std::string size : {"-1", "-5", "7fffffffffffffff", "zz", ""}) {
    const auto client = connect();
    client->send("POST /mutate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + size +
                 "\r\nabcdefgh\r\n0\r\n\r\n");
    EXPECT_THAT(client->read(),
                testing::AnyOf(StartsWith("HTTP/1.1 400"), StartsWith("HTTP/1.1 413")))
        << size;
  }
  EXPECT_THAT(connect()->post("/mutate", "{}", "echo 2"), HasSubstr("200"));
}

TEST_F(HttpsListenerTest, AnExceptionIsA500) {
  start();
  const auto client = connect();
  EXPECT_THAT(client->post("/throws", "{}", "}"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(client->post("/mutate", "{}", "echo 2"), HasSubstr("200"));
}

TEST_F(HttpsListenerTest, TakesABodyAtItsLimitAndRefusesOneByteMore) {
  HttpsLimits limits;
  limits.body_bytes_max = 100'000;
  start(limits);
  EXPECT_THAT(connect()->post("/mutate", std::string(100'000, 'x'), "echo 100000"),
              HasSubstr("200"));
  const auto client = connect();
  client->send("POST /mutate HTTP/1.1\r\nContent-Length: 100001\r\n\r\n");
  EXPECT_THAT(client->read(), StartsWith("HTTP/1.1 413"));
  const auto whole = connect();  // header and body at once
  EXPECT_THAT(whole->post("/mutate", std::string(100'001, 'x'), "}"), StartsWith("HTTP/1.1 413"));
  const auto chunked = connect();
  chunked->send("POST /mutate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n" +
                std::string(100'001, 'x'));
  EXPECT_THAT(chunked->read(), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpsListenerTest, RefusesALargeHeader) {
  HttpsLimits limits;
  limits.header_bytes_max = 1'000;
  start(limits);
  const auto client = connect();
  client->send("POST /mutate HTTP/1.1\r\nA: " + std::string(1'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(client->read(), StartsWith("HTTP/1.1 431"));
}

TEST_F(HttpsListenerTest, CutsWhoDawdles) {
  HttpsLimits limits;
  limits.handshake_max = milliseconds(100);
  limits.request_max = milliseconds(100);
  limits.idle_max = milliseconds(200);
  start(limits);
  TlsClient silent(listener_->port());  // never begins the handshake
  const auto mute = connect();          // never begins a request
  const auto slow = connect();          // never ends one
  slow->send("POST /mutate HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
  const auto idle = connect();  // never begins another
  idle->post("/mutate", "{}", "echo 2");
  EXPECT_TRUE(eventually([&] { return listener_->connections() == 0; }));
  EXPECT_EQ(listener_->stats().timeouts, 4U);
}

// A byte now and then does not extend the time.
TEST_F(HttpsListenerTest, CutsWhoTrickles) {
  HttpsLimits limits;
  limits.request_max = milliseconds(200);
  start(limits);
  const auto client = connect();
  const auto begun = std::chrono::steady_clock::now();
  client->send("POST /mutate HTTP/1.1\r\n");
  while (listener_->connections() > 0 &&
         std::chrono::steady_clock::now() - begun < std::chrono::seconds(3)) {
    client->send("A: b\r\n");
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(listener_->connections(), 0U);
  EXPECT_EQ(listener_->stats().timeouts, 1U);
}

TEST_F(HttpsListenerTest, RefusesConnectionsOverTheLimit) {
  HttpsLimits limits;
  limits.connections_max = 2;
  start(limits);
  const auto first = connect();
  auto second = connect();
  EXPECT_FALSE(TlsClient(listener_->port()).handshake());
  EXPECT_EQ(listener_->stats().refused_connections, 1U);
  EXPECT_THAT(first->post("/mutate", "{}", "echo 2"), HasSubstr("200"));
  second.reset();
  EXPECT_TRUE(eventually([&] { return listener_->connections() == 1; }));
  EXPECT_THAT(connect()->post("/mutate", "{}", "echo 2"), HasSubstr("200"));
}

TEST_F(HttpsListenerTest, SwapsItsCertificateForNewConnectionsOnly) {
  start();
  const auto before = connect();
  EXPECT_EQ(before->subject(), "first");
  ASSERT_TRUE(listener_->set_certificate(certificate("second")));
  EXPECT_EQ(connect()->subject(), "second");
  EXPECT_THAT(before->post("/mutate", "{}", "echo 2"), HasSubstr("200"));
}

TEST_F(HttpsListenerTest, RefusesACertificateThatDoesNotFitItsKey) {
  start();
  ServerCertificate mixed = certificate("a");
  mixed.key_pem = certificate("b").key_pem;
  const auto refused = listener_->set_certificate(mixed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "the key does not match the certificate");
  EXPECT_FALSE(listener_->set_certificate({"", ""}));
  EXPECT_EQ(connect()->subject(), "first");
}

TEST_F(HttpsListenerTest, RefusesOldTls) {
  start();
  TlsClient modern(listener_->port(), "127.0.0.1", TLS1_2_VERSION);
  EXPECT_TRUE(modern.handshake());
  TlsClient old(listener_->port(), "127.0.0.1", TLS1_1_VERSION);
  EXPECT_FALSE(old.handshake());
  EXPECT_TRUE(eventually([&] { return listener_->stats().failed_handshakes == 1; }));
}

TEST_F(HttpsListenerTest, TellsAnAddressInUse) {
  start();
  HttpsListener other(logger_);
  ASSERT_TRUE(other.set_certificate(certificate("other")));
  const auto listening = other.listen({"127.0.0.1", listener_->port()});
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error(),
            "127.0.0.1:" + std::to_string(listener_->port()) + ": Address already in use");
}

TEST_F(HttpsListenerTest, ListensOnIpv6) {
  start({}, "::1");
  TlsClient client(listener_->port(), "::1");
  EXPECT_TRUE(client.handshake());
}

TEST_F(HttpsListenerTest, FinishesAnAnswerWhileClosing) {
  std::latch entered(1);
  std::latch leave(1);
  on_mutate_ = [&] {
    entered.count_down();
    leave.wait();
  };
  start();
  const auto idle = connect();
  const auto client = connect();
  auto answer =
      std::async(std::launch::async, [&] { return client->post("/mutate", "{}", "echo 2"); });
  entered.wait();
  auto closed = std::async(std::launch::async, [&] { listener_->close(std::chrono::seconds(5)); });
  EXPECT_EQ(idle->read(), "");  // closed at once
  EXPECT_EQ(closed.wait_for(milliseconds(50)), std::future_status::timeout);
  leave.count_down();
  EXPECT_THAT(answer.get(), EndsWith("echo 2"));
  closed.get();
  EXPECT_EQ(listener_->connections(), 0U);
  listener_->close();  // again
}

TEST_F(HttpsListenerTest, ClosesOnSlowClientsAfterItsGrace) {
  start();
  const auto client = connect();
  client->send("POST /mutate HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
  std::this_thread::sleep_for(milliseconds(50));
  const auto begun = std::chrono::steady_clock::now();
  listener_->close(milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  EXPECT_EQ(listener_->connections(), 0U);
}

TEST_F(HttpsListenerTest, GoesUnopened) {
  const HttpsListener idle(logger_);
  EXPECT_EQ(idle.port(), 0);
}

}  // namespace
}  // namespace socketmesh::op::kube

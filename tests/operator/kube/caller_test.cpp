#include "operator/kube/caller.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "operator/kube/client.hpp"
#include "tests/operator/kube/client_fixture.hpp"

namespace socketmesh::op::kube {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ApiError::Kind;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

// How a Client fares with a server that is slow, wrong or away, and when it is closed.
using CallerTest = ClientFixture;

TEST_F(CallerTest, EndsAtItsDeadlineWhateverTrickles) {
  serve([](const Request&, Connection& c) {
    c.begin_chunks();
    while (c.chunk(" ")) std::this_thread::sleep_for(milliseconds(20));
  });
  ClientOptions options;
  options.timeout = milliseconds(300);
  const auto start = std::chrono::steady_clock::now();
  const auto result = client(options).get(kChat);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kTimeout);
  EXPECT_GE(took, milliseconds(300));
  EXPECT_LT(took, milliseconds(2'000));
  EXPECT_EQ(client().stats().requests.at({"GET", 0}), 1U);
}

TEST_F(CallerTest, TakesABodyAtItsLimitAndRefusesOneByteMore) {
  constexpr std::size_t kMax = 200'000;
  std::atomic<std::size_t> size = kMax;
  serve([&](const Request&, Connection& c) {
    c.reply(200, "\"" + std::string(size - 2, 'x') + "\"");
  });
  ClientOptions options;
  options.response_bytes_max = kMax;
  ASSERT_TRUE(client(options).get(kChat));
  ++size;
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kBadResponse);
  EXPECT_THAT(result.error().message, HasSubstr("200000 bytes"));
}

// cpprestsdk takes "-1" for a size and would read as far; see BodyStream.
TEST_F(CallerTest, SurvivesANegativeChunkSize) {
  serve([](const Request&, Connection& c) {
    c.begin_chunks();
    c.write("-1\r\nabcdefgh\r\n0\r\n\r\n");
    c.wait_closed();
  });
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kBadResponse);
}

TEST_F(CallerTest, TellsWhatIsNoJsonAndNoHttp) {
  std::atomic<int> step = 0;
  serve([&](const Request&, Connection& c) {
    if (step == 0) return c.reply(200, "<html>");
    if (step == 1) return c.reply(200, std::string(100, '['));
    c.write("SSH-2.0-x\r\n\r\n");
    c.cut();
  });
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kBadResponse);
  ++step;
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kBadResponse);
  ++step;
  EXPECT_EQ(client().get(kChat).error().kind, Kind::kUnreachable);
}

TEST_F(CallerTest, TellsACutBody) {
  serve([](const Request&, Connection& c) {
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}");
    c.cut();
  });
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
}

TEST_F(CallerTest, TellsThatNobodyListens) {
  serve([](const Request&, Connection&) {});
  server_.reset();
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
  EXPECT_THAT(result.error().message, StartsWith("cannot connect to https://127.0.0.1:"));
}

TEST_F(CallerTest, TellsAHostThatDoesNotResolve) {
  serve([](const Request&, Connection&) {});
  access_->server_.endpoint.host = "no-such-host.invalid";
  const auto result = client().get(kChat);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
  EXPECT_THAT(result.error().message, HasSubstr("cannot resolve"));
}

TEST_F(CallerTest, CloseEndsCallsUnderWay) {
  std::promise<void> called;
  serve([&](const Request&, Connection& c) {
    called.set_value();
    c.wait_closed();
  });
  client();
  auto call = std::async(std::launch::async, [this] { return client_->get(kChat); });
  called.get_future().wait();
  EXPECT_EQ(client_->stats().in_flight, 1U);
  client_->close();
  ASSERT_EQ(call.wait_for(std::chrono::seconds(1)), std::future_status::ready);
  EXPECT_EQ(call.get().error().kind, Kind::kClosed);
  EXPECT_EQ(client_->get(kChat).error().kind, Kind::kClosed);
}

TEST_F(CallerTest, GetsRawTexts) {
  serve([](const Request& r, Connection& c) {
    c.reply(200, r.target() == "/readyz" ? "ok" : R"({"gitVersion":"v1.34.4"})");
  });
  EXPECT_EQ(client().raw_get("/readyz").value(), "ok");
  EXPECT_EQ(client().raw_get("/version").value()["gitVersion"], "v1.34.4");
}

}  // namespace
}  // namespace socketmesh::op::kube

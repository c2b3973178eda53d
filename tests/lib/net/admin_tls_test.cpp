// The admin port with TLS: the first byte of a connection decides.
#include <utility>  // before Asio 1.74, which forgets it

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "lib/net/admin_server.hpp"
#include "lib/net/tls.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/lib/net/tls_client.hpp"

namespace socketmesh::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Context = std::shared_ptr<asio::ssl::context>;

Context make_context(const TlsFiles& files) {
  const auto pem = read_tls_files(files);
  if (!pem) throw std::runtime_error(pem.error().message);
  auto context = make_tls_context(files, *pem);
  if (!context) throw std::runtime_error(context.error().message);
  return *context;
}

constexpr char kGet[] = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
constexpr char kGetAndStay[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

class AdminTlsTest : public testing::Test {
 protected:
  void start(AdminOptions options = {}) {
    server_ = std::make_unique<AdminServer>(io_, logger_, std::move(options));
    server_->get("/healthz", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); });
    server_->get("/large", [](const HttpRequest&) {
      return HttpResponse::text(200, std::string(3'000'000, 'x') + "end");
    });
    server_->stream("/events", [this] { return "event " + std::to_string(++events_); });
    server_->use_tls(make_context(mesh_.make("server")));
    ASSERT_TRUE(server_->listen({"127.0.0.1", 0}));
    port_ = server_->port();
    thread_ = std::thread([this] { io_.run(); });
  }
  // Runs on the server's thread, and waits for it.
  template <typename F>
  auto on_io(F function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    asio::post(io_, [&task] { task(); });
    return result.get();
  }
  ~AdminTlsTest() override {
    on_io([&] { server_.reset(); });
    work_.reset();
    thread_.join();
  }

  AdminStats stats() {
    return on_io([&] { return server_->stats(); });
  }
  // Polls: what a client sees may come before what the server counts.
  void await(const std::function<bool(const AdminStats&)>& done) {
    for (int i = 0; i < 500 && !done(stats()); ++i) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_TRUE(done(stats()));
  }
  std::string get(const Context& context) {
    TlsClient client(port_, context);
    client.send(kGet);
    return client.read_to_end();
  }
  tcp::socket connect_plain() {
    tcp::socket socket(client_io_);
    socket.connect({asio::ip::address_v4::loopback(), port_});
    const timeval limit{5, 0};
    setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return socket;
  }
  std::string plain(const std::string& request) {
    tcp::socket socket = connect_plain();
    asio::write(socket, asio::buffer(request));
    std::string answer;
    error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    EXPECT_NE(error, asio::error::would_block);
    return answer;
  }

  TestCertificates mesh_;
  obs::Logger logger_{obs::LogLevel::kError};
  asio::io_context io_;
  asio::io_context client_io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::unique_ptr<AdminServer> server_;
  int events_ = 0;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(AdminTlsTest, AnswersAMemberOfTheMesh) {
  start();
  TlsClient client(port_, make_context(mesh_.make("client")));
  client.send(kGet);
  const std::string response = client.read_to_end();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nok\n"));
  EXPECT_EQ(client.error(), asio::error::eof) << "it ends in order, by close_notify";
  EXPECT_EQ(stats().handshakes, 1U);
}

TEST_F(AdminTlsTest, AnswersPlainClientsOnTheSamePort) {
  start();
  EXPECT_THAT(plain(kGet), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("ok\n")));
  EXPECT_THAT(plain("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(stats().handshakes, 0U);
}

TEST_F(AdminTlsTest, AnswersAPlainClientThatSendsByteByByte) {
  start();
  tcp::socket socket = connect_plain();
  socket.set_option(tcp::no_delay(true));
  for (const char byte : std::string(kGet)) asio::write(socket, asio::buffer(&byte, 1));
  std::string answer;
  error_code ended;
  asio::read(socket, asio::dynamic_buffer(answer), ended);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AdminTlsTest, RefusesAClientWithoutACertificate) {
  start();
  const auto bare = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  TlsClient client(port_, bare);
  client.send(kGet);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_THAT(client.error().message(), HasSubstr("certificate required")) << "told by an alert";
  await([](const AdminStats& s) { return s.refused_handshakes == 1; });
  EXPECT_EQ(stats().requests, 0U);
}

TEST_F(AdminTlsTest, RefusesAStrangersCertificate) {
  start();
  TestCertificates stranger;
  TlsFiles files = stranger.make("client");
  files.ca = stranger.bundle_with(mesh_);
  EXPECT_EQ(get(make_context(files)), "");
  await([](const AdminStats& s) { return s.refused_handshakes == 1; });
}

TEST_F(AdminTlsTest, RefusesACertificateThatHasEnded) {
  start();
  const std::time_t now = std::time(nullptr);
  EXPECT_EQ(get(make_context(mesh_.make_dated("client", now - 7200, now - 60))), "");
  await([](const AdminStats& s) { return s.refused_handshakes == 1; });
}

TEST_F(AdminTlsTest, RefusesWhatOnlyBeginsLikeTls) {
  start();
  plain("\x16 nonsense\r\n\r\n");
  await([](const AdminStats& s) { return s.refused_handshakes == 1; });
  EXPECT_THAT(plain(kGet), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminTlsTest, KeepsConnectionsForFurtherRequests) {
  start();
  TlsClient client(port_, make_context(mesh_.make("client")));
  for (int i = 0; i < 3; ++i) {
    client.send(kGetAndStay);
    EXPECT_THAT(client.read_until("ok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_EQ(stats().connections, 1U);
  EXPECT_EQ(stats().requests, 3U);
}

TEST_F(AdminTlsTest, SendsLargeAnswersWhole) {
  start();
  TlsClient client(port_, make_context(mesh_.make("client")));
  client.send("GET /large HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string response = client.read_to_end();
  EXPECT_GT(response.size(), 3'000'000U);
  EXPECT_THAT(response, EndsWith("xend"));
}

TEST_F(AdminTlsTest, StreamsEvents) {
  AdminOptions options;
  options.limits.stream_interval = milliseconds(20);
  start(options);
  TlsClient client(port_, make_context(mesh_.make("client")));
  client.send("GET /events HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("text/event-stream"));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(client.read_until("\n\n"), "data: event " + std::to_string(i) + "\n\n");
  }
  on_io([&] { server_->close(); });
  client.read_to_end();
}

TEST_F(AdminTlsTest, NewConnectionsUseTheNewContext) {
  start();
  TestCertificates next;
  const Context old_client = make_context(mesh_.make("client"));
  const Context new_client = make_context(next.make("client"));
  TlsClient open(port_, old_client);
  open.send(kGetAndStay);
  ASSERT_THAT(open.read_until("ok\n"), StartsWith("HTTP/1.1 200 "));

  on_io([&] { server_->use_tls(make_context(next.make("server"))); });
  EXPECT_THAT(get(new_client), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(get(old_client), "") << "its root is not in the bundle any more";
  open.send(kGet);
  EXPECT_THAT(open.read_to_end(), StartsWith("HTTP/1.1 200 ")) << "an open connection goes on";
}

TEST_F(AdminTlsTest, CutsAClientThatDawdlesInItsHandshake) {
  AdminOptions options;
  options.limits.handshake_max = milliseconds(50);
  start(options);
  plain("\x16");
  await([](const AdminStats& s) { return s.timeouts == 1 && s.refused_handshakes == 0; });
}

TEST_F(AdminTlsTest, CutsAClientThatSaysNothing) {
  AdminOptions options;
  options.limits.idle_max = milliseconds(50);
  start(options);
  EXPECT_EQ(plain(""), "");
  EXPECT_EQ(plain("GET /healthz HT"), "");
  TlsClient silent(port_, make_context(mesh_.make("client")));
  EXPECT_EQ(silent.read_to_end(), "");
  await([](const AdminStats& s) { return s.timeouts == 1; });
}

TEST_F(AdminTlsTest, HandshakesCountAsConnections) {
  AdminOptions options;
  options.limits.connections_max = 1;
  start(options);
  {
    tcp::socket half = connect_plain();
    asio::write(half, asio::buffer("\x16", 1));
    EXPECT_EQ(plain(kGet), "");
    await([](const AdminStats& s) { return s.refused_connections == 1; });
  }
  for (int i = 0; i < 500 && on_io([&] { return server_->connections(); }) > 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_THAT(plain(kGet), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace socketmesh::net

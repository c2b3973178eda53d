#include <utility>  // before Asio 1.74, which forgets it

#include "lib/net/admin_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace socketmesh::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A blocking client, as simple as the server must not be.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(io_) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval limit{5, 0};  // a test that waits for nothing fails instead of hanging
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  void send(const std::string& text) { asio::write(socket_, asio::buffer(text)); }

  // Up to and with `mark`; what came so far when the server closes before.
  std::string read_until(const std::string& mark) {
    std::string text;
    std::size_t found = 0;
    while ((found = buffer_.find(mark)) == std::string::npos) {
      if (!fill()) return std::exchange(buffer_, "");
    }
    text = buffer_.substr(0, found + mark.size());
    buffer_.erase(0, text.size());
    return text;
  }
  std::string read_to_end() {
    while (fill()) {
    }
    return std::exchange(buffer_, "");
  }
  tcp::socket& socket() { return socket_; }

 private:
  bool fill() {
    std::array<char, 4096> bytes{};
    boost::system::error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(bytes), error);
    EXPECT_NE(error, asio::error::would_block) << "the server neither sent nor closed";
    buffer_.append(bytes.data(), count);
    return !error;
  }

  asio::io_context io_;
  tcp::socket socket_;
  std::string buffer_;
};

class AdminServerTest : public testing::Test {
 protected:
  void start(AdminOptions options = {}) {
    server_ = std::make_unique<AdminServer>(io_, logger_, std::move(options));
    server_->get("/healthz", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); });
    server_->get("/echo", [](const HttpRequest& r) { return HttpResponse::json(201, r.query); });
    server_->get("/throws",
                 [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("no luck"); });
    server_->stream("/events", [this] { return event_ + std::to_string(++events_); });
    ASSERT_TRUE(server_->listen({"127.0.0.1", 0}));
    port_ = server_->port();
    thread_ = std::thread([this] { io_.run(); });
  }

  // Runs on the server's thread, and waits for it.
  template <typename F>
  auto on_io(F function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    if (!thread_.joinable()) {
      task();
    } else {
      asio::post(io_, [&task] { task(); });
    }
    return result.get();
  }
  ~AdminServerTest() override {
    on_io([&] { server_.reset(); });
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }

  AdminStats stats() {
    return on_io([&] { return server_->stats(); });
  }
  // Polls: what a client sees may come before what the server counts.
  void await(const std::function<bool(const AdminStats&)>& done) {
    for (int i = 0; i < 500 && !done(stats()); ++i) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_TRUE(done(stats()));
  }
  std::string request(const std::string& text) {
    Client client(port_);
    client.send(text);
    return client.read_to_end();
  }
  std::string get(const std::string& target) {
    return request("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }

  std::vector<std::string> log_;
  obs::Logger logger_{obs::LogLevel::kInfo, obs::LogFormat::kText,
                      [this](std::string_view line) { log_.emplace_back(line); }};
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::unique_ptr<AdminServer> server_;
  std::string event_ = "event ";
  int events_ = 0;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(AdminServerTest, Gets) {
  start();
  const std::string response = get("/healthz");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nok\n"));
}

TEST_F(AdminServerTest, SendsSecurityHeaders) {
  start();
  for (const char* path : {"/healthz", "/absent", "/throws"}) {
    const std::string response = get(path);
    EXPECT_THAT(response, HasSubstr("Content-Security-Policy: default-src 'none'"));
    EXPECT_THAT(response, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(response, HasSubstr("Cache-Control: no-store\r\n"));
  }
}

TEST_F(AdminServerTest, HandsOverTheQueryAndTheHandlersStatus) {
  start();
  const std::string response = get("/echo?a=1&b=%20");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 201 "));
  EXPECT_THAT(response, HasSubstr("application/json\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\na=1&b=%20"));
}

TEST_F(AdminServerTest, HeadHasLengthButNoBody) {
  start();
  const std::string response =
      request("HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST_F(AdminServerTest, RefusesOtherPathsAndMethods) {
  start();
  EXPECT_THAT(get("/health"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/healthz/"), StartsWith("HTTP/1.1 404 "));
  const std::string response = request(
      "POST /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(response, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(AdminServerTest, KeepsConnectionsForFurtherRequests) {
  start();
  Client client(port_);
  for (int i = 0; i < 3; ++i) {
    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.read_until("ok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  // Two at once.
  client.send("GET /healthz HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n");
  client.read_until("ok\n");
  client.read_until("ok\n");
  EXPECT_EQ(stats().connections, 1U);
  EXPECT_EQ(stats().requests, 5U);
}

TEST_F(AdminServerTest, AFailingHandlerIsLoggedAndTheServerGoesOn) {
  start();
  EXPECT_THAT(get("/throws"), AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("no luck"))));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(on_io([&] { return log_; }), testing::ElementsAre(HasSubstr("no luck")));
}

TEST_F(AdminServerTest, RefusesGarbage) {
  start();
  EXPECT_THAT(request("\x16\x03\x01 TLS?\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(request("GET http://a/healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(stats().bad_requests, 2U);
}

TEST_F(AdminServerTest, LimitsHeaders) {
  AdminOptions options;
  options.limits.header_bytes_max = 256;
  start(options);
  const auto with_fields = [](std::size_t bytes) {
    const std::string start = "Connection: close\r\nX: ";
    return "GET /healthz HTTP/1.1\r\n" + start + std::string(bytes - start.size() - 4, 'x') +
           "\r\n\r\n";
  };
  EXPECT_THAT(request(with_fields(256)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(with_fields(257)), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(request("GET /" + std::string(256, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(AdminServerTest, LimitsBodies) {
  AdminOptions options;
  options.limits.body_bytes_max = 4;
  start(options);
  const auto with_body = [](std::size_t size) {
    return "GET /healthz HTTP/1.1\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n" + std::string(size, 'x');
  };
  EXPECT_THAT(request(with_body(4)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(with_body(5)), StartsWith("HTTP/1.1 413 "));
}

TEST_F(AdminServerTest, LimitsConnections) {
  AdminOptions options;
  options.limits.connections_max = 2;
  start(options);
  Client first(port_);
  Client second(port_);
  Client third(port_);
  EXPECT_EQ(third.read_to_end(), "");
  await([](const AdminStats& s) { return s.refused_connections == 1; });
  first.send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(first.read_until("ok\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, CutsAClientThatDawdlesInARequest) {
  AdminOptions options;
  options.limits.idle_max = milliseconds(50);
  start(options);
  Client slow(port_);
  slow.send("GET /healthz HT");
  EXPECT_EQ(slow.read_to_end(), "");
  Client idle(port_);
  EXPECT_EQ(idle.read_to_end(), "");
  await([](const AdminStats& s) { return s.timeouts == 1; });
}

TEST_F(AdminServerTest, StreamsEvents) {
  AdminOptions options;
  options.limits.stream_interval = milliseconds(20);
  start(options);
  Client client(port_);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_EQ(client.read_until("\n\n"), "data: event 1\n\n");
  EXPECT_EQ(client.read_until("\n\n"), "data: event 2\n\n");
  EXPECT_EQ(client.read_until("\n\n"), "data: event 3\n\n");
}

TEST_F(AdminServerTest, FramesEachLineOfAnEvent) {
  event_ = "{\n}\n";
  start();
  Client client(port_);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  client.read_until("\r\n\r\n");
  EXPECT_EQ(client.read_until("\n\n"), "data: {\ndata: }\ndata: 1\n\n");
}

TEST_F(AdminServerTest, ProducesOnlyForClients) {
  AdminOptions options;
  options.limits.stream_interval = milliseconds(10);
  start(options);
  {
    Client client(port_);
    client.send("GET /events HTTP/1.1\r\n\r\n");
    client.read_until("\n\n");
  }
  for (int i = 0; i < 500 && on_io([&] { return server_->connections(); }) > 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  const int before = on_io([&] { return events_; });
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(on_io([&] { return events_; }), before);
  EXPECT_THAT(request("HEAD /events HTTP/1.1\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_EQ(on_io([&] { return events_; }), before);
}

TEST_F(AdminServerTest, LimitsStreams) {
  AdminOptions options;
  options.limits.streams_max = 1;
  start(options);
  Client first(port_);
  first.send("GET /events HTTP/1.1\r\n\r\n");
  first.read_until("data: ");
  EXPECT_THAT(get("/events"), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(stats().refused_streams, 1U);
}

TEST_F(AdminServerTest, CutsAStreamThatDoesNotRead) {
  AdminOptions options;
  options.limits.stream_interval = milliseconds(10);
  options.limits.stream_lag_ticks_max = 3;
  event_ = std::string(4 << 20, 'x');
  start(options);
  Client client(port_);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  await([](const AdminStats& s) { return s.slow_streams == 1; });
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, NamesAPortInUse) {
  start();
  AdminServer other(io_, logger_);
  const auto listening = other.listen({"127.0.0.1", port_});
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error(), "127.0.0.1:" + std::to_string(port_) + ": Address already in use");
}

TEST_F(AdminServerTest, ResolvesNamesToListenOn) {
  start();
  AdminServer other(io_, logger_);
  EXPECT_TRUE(other.listen({"localhost", 0}));
  EXPECT_NE(other.port(), 0);
  AdminServer lost(io_, logger_);
  EXPECT_THAT(lost.listen({"no-such-host.invalid", 0}).error(),
              StartsWith("no-such-host.invalid:0: "));
}

TEST_F(AdminServerTest, CloseEndsEveryConnection) {
  start();
  Client idle(port_);
  idle.send("GET /healthz HTTP/1.1\r\n\r\n");
  idle.read_until("ok\n");
  Client stream(port_);
  stream.send("GET /events HTTP/1.1\r\n\r\n");
  stream.read_until("data: ");
  on_io([&] { server_->close(); });
  idle.read_to_end();
  stream.read_to_end();
}

}  // namespace
}  // namespace socketmesh::net

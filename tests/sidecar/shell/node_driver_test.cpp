#include "sidecar/shell/node_driver.hpp"

#include <sys/epoll.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>

#include "sidecar/core/wire/app_frames.hpp"
#include "sidecar/shell/listener.hpp"
#include "sidecar/shell/tls/session.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/sidecar/shell/support/run_loop.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TransportFactory tls(const net::TlsFiles& files) {
  auto context = TlsContext::load(files);
  if (!context) ADD_FAILURE() << context.error().message;
  return [context = *context](TransportRole role) {
    return std::make_unique<TlsSession>(context, role);
  };
}

// A driver that listens for links and apps, on real sockets.
struct Station {
  Station(boost::asio::io_context& io, const std::string& id, TransportFactory transport = {})
      : driver(io, logger, options(id, std::move(transport))),
        links(io, logger,
              [this](Listener::Socket socket, const std::string& remote) {
                driver.accept_link(std::move(socket), remote);
              }),
        apps(io, logger, [this](Listener::Socket socket, const std::string& remote) {
          driver.accept_app(std::move(socket), remote);
        }) {
    EXPECT_TRUE(links.listen(TcpEndpoint{"127.0.0.1", 0}));
    EXPECT_TRUE(apps.listen(UnixEndpoint{folder / "app.sock"}));
  }

  static NodeDriver::Options options(const std::string& id, TransportFactory transport) {
    NodeDriver::Options options;
    options.node.mesh = "chat";
    options.node.sidecar_id = id;
    options.node.epoch = 1;
    options.transport = std::move(transport);
    return options;
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(links.port()); }
  bool linked() const {
    const node::Status status = driver.status();
    return status.links.size() == 1 && status.links[0].state == "linked";
  }
  std::string last_error() const {
    const node::Status status = driver.status();
    return status.addresses.empty() ? "" : status.addresses[0].last_error;
  }

  support::TempFolder folder;
  std::string log;
  obs::Logger logger{obs::LogLevel::kDebug, obs::LogFormat::kText,
                     [this](std::string_view line) { log += line; }};
  NodeDriver driver;
  Listener links;
  Listener apps;
};

TEST(NodeDriver, LinksUpPlain) {
  boost::asio::io_context io;
  Station a(io, "a");
  Station b(io, "b");
  a.driver.set_addresses({b.address()});
  EXPECT_TRUE(run_until(io, [&] { return a.linked() && b.linked(); })) << a.log << b.log;
}

TEST(NodeDriver, LinksUpOverTls) {
  boost::asio::io_context io;
  net::TestCertificates mesh;
  Station a(io, "a", tls(mesh.make("a")));
  Station b(io, "b", tls(mesh.make("b")));
  a.driver.set_addresses({b.address()});
  EXPECT_TRUE(run_until(io, [&] { return a.linked() && b.linked(); })) << a.log << b.log;
}

TEST(NodeDriver, SaysWhyTlsFailed) {
  boost::asio::io_context io;
  net::TestCertificates mesh;
  net::TestCertificates stranger;
  Station a(io, "a", tls(mesh.make("a")));
  Station b(io, "b", tls(stranger.make("b")));
  a.driver.set_addresses({b.address()});
  EXPECT_TRUE(run_until(io, [&] { return !a.last_error().empty(); }));
  EXPECT_THAT(a.last_error(), HasSubstr("peer certificate refused"));
  EXPECT_TRUE(run_until(io, [&] { return b.driver.stats().transport_failures > 0; }));
  EXPECT_THAT(b.log, HasSubstr("link refused"));
}

TEST(NodeDriver, SaysWhyADialFailed) {
  boost::asio::io_context io;
  Station a(io, "a");
  std::string gone;
  {
    Station b(io, "b");
    gone = b.address();
  }
  a.driver.set_addresses({gone});
  EXPECT_TRUE(run_until(io, [&] { return !a.last_error().empty(); }));
  EXPECT_THAT(a.last_error(), HasSubstr("refused"));
}

class AttachedApp : public testing::Test {
 protected:
  using Local = boost::asio::local::stream_protocol;

  // Writes an attachment, and returns the type of the sidecar's first frame.
  std::uint8_t attach() {
    app_.connect(Local::endpoint(station_.folder / "app.sock"));
    boost::asio::write(app_, boost::asio::buffer(attachment(7)));
    return read_type();
  }
  static wire::Buffer attachment(std::uint64_t member) {
    wire::Buffer bytes;
    {
      wire::FrameWriter attach(bytes, wire::app::kAttach);
      attach.u8(wire::app::kProtocolVersion);
      attach.u8(wire::app::kProtocolVersion);
      attach.u64(member);
      for (const char* text : {"host:1", "parser", ""}) attach.string(text);
      attach.varint(0);
    }
    return bytes;
  }
  std::uint8_t read_type() {
    std::array<std::uint8_t, 5> head{};
    std::size_t read = 0;
    boost::asio::async_read(app_, boost::asio::buffer(head),
                            [&](const auto&, std::size_t size) { read = size; });
    EXPECT_TRUE(run_until(io_, [&] { return read > 0; }));
    return head[4];
  }

  boost::asio::io_context io_;
  Station station_{io_, "a"};
  Local::socket app_{io_};
};

TEST_F(AttachedApp, IsWelcomed) {
  EXPECT_EQ(attach(), wire::app::kWelcome);
}

TEST_F(AttachedApp, IsForgottenWhenItCloses) {
  attach();
  EXPECT_EQ(station_.driver.connections(), 1U);
  app_.close();
  EXPECT_TRUE(run_until(io_, [&] { return station_.driver.connections() == 0; }));
}

TEST_F(AttachedApp, LosesItsConnectionForABrokenFrame) {
  app_.connect(Local::endpoint(station_.folder / "app.sock"));
  boost::asio::write(app_, boost::asio::buffer(std::string(64, '\xff')));
  EXPECT_TRUE(run_until(io_, [&] {
    const auto& cuts = station_.driver.counters().cuts;
    return std::any_of(cuts.begin(), cuts.end(), [](auto count) { return count > 0; });
  }));
  // The sidecar closes its half; the rest is for the app to see.
  bool ended = false;
  std::array<std::uint8_t, 4096> rest{};
  boost::asio::async_read(app_, boost::asio::buffer(rest),
                          [&](const auto& error, std::size_t) { ended = bool(error); });
  EXPECT_TRUE(run_until(io_, [&] { return ended; }));
}

// One turn of the event loop, which has nothing else to do, is what an answer takes then.
TEST_F(AttachedApp, IsAnsweredAtOnceAfterAPause) {
  attach();
  io_.run_for(milliseconds(5));
  wire::Buffer sync;
  {
    wire::FrameWriter frame(sync, wire::app::kSync);
    frame.u32(1);
  }
  boost::asio::write(app_, boost::asio::buffer(sync));
  io_.restart();
  ASSERT_EQ(io_.run_one(), 1U);
  EXPECT_GT(app_.available(), 0U);
}

// How many descriptors wait to become writable, in any epoll of this process.
std::size_t waiting_for_writable() {
  std::size_t waiting = 0;
  for (const auto& info : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream file(info.path());
    for (std::string word; file >> word;) {
      if (word != "events:") continue;
      unsigned events = 0;
      file >> std::hex >> events >> std::dec;
      if ((events & EPOLLOUT) != 0) ++waiting;
    }
  }
  return waiting;
}

// Asio would keep EPOLLOUT, and each message that a reader takes would wake the sidecar once more.
TEST_F(AttachedApp, OnceFullIsNotWatchedForEver) {
  attach();
  wire::Buffer bytes;
  {
    wire::FrameWriter open(bytes, wire::app::kNspOpen);
    open.string("/");
  }
  {
    wire::FrameWriter ready(bytes, wire::app::kReady);
  }
  boost::asio::write(app_, boost::asio::buffer(bytes));
  Local::socket publisher(io_);
  publisher.connect(Local::endpoint(station_.folder / "app.sock"));
  // The test's own socket waits before anything is counted, as Asio lets it wait for ever.
  bool writable = false;
  publisher.async_wait(Local::socket::wait_write, [&](const auto&) { writable = true; });
  EXPECT_TRUE(run_until(io_, [&] { return writable; }));
  const std::size_t before = waiting_for_writable();
  wire::Buffer publishes = attachment(8);
  {
    wire::FrameWriter ready(publishes, wire::app::kReady);
  }
  constexpr std::uint64_t kMessages = 200;
  constexpr std::size_t kMessageBytes = 16 << 10;
  for (std::uint64_t seq = 1; seq <= kMessages; ++seq) {
    wire::FrameWriter data(publishes, wire::kDataType);
    for (const int byte : {0, 1, 1}) data.u8(static_cast<std::uint8_t>(byte));
    data.u32(2);  // the route: namespace "/"
    data.u64(8);
    data.u64(seq);
    data.string("/");
    data.bytes(wire::Buffer(kMessageBytes));
  }
  bool written = false;
  boost::asio::async_write(publisher, boost::asio::buffer(publishes),
                           [&](const auto&, std::size_t) { written = true; });
  EXPECT_TRUE(run_until(io_, [&] { return written && waiting_for_writable() > before; }));
  std::size_t read = 0;
  std::vector<std::uint8_t> sink(kMessages * kMessageBytes);
  boost::asio::async_read(app_, boost::asio::buffer(sink),
                          [&](const auto&, std::size_t size) { read = size; });
  EXPECT_TRUE(run_until(io_, [&] { return read > 0; }));
  EXPECT_TRUE(run_until(io_, [&] { return waiting_for_writable() <= before; }));
}

TEST(NodeDriver, LeavesWithinItsTime) {
  boost::asio::io_context io;
  Station a(io, "a");
  Station b(io, "b");
  a.driver.set_addresses({b.address()});
  ASSERT_TRUE(run_until(io, [&] { return a.linked() && b.linked(); }));
  bool left = false;
  const auto start = std::chrono::steady_clock::now();
  a.driver.leave([&] { left = true; });
  EXPECT_TRUE(run_until(io, [&] { return left; }));
  EXPECT_LE(std::chrono::steady_clock::now() - start,
            NodeDriver::kLeaveTimeout + milliseconds(300));
  EXPECT_TRUE(run_until(io, [&] { return !b.linked(); }));
}

}  // namespace
}  // namespace socketmesh::shell

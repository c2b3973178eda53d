#include "sidecar/shell/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <optional>

#include "tests/sidecar/shell/support/run_loop.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

using boost::asio::ip::tcp;
using testing::HasSubstr;
using Local = boost::asio::local::stream_protocol;

class ListenerTest : public testing::Test {
 protected:
  Listener::OnAccept counting() {
    return [this](Listener::Socket socket, const std::string& remote) {
      sockets_.push_back(std::move(socket));
      remote_ = remote;
    };
  }

  support::TempFolder folder_;
  std::string log_;
  obs::Logger logger_{obs::LogLevel::kInfo, obs::LogFormat::kText,
                      [this](std::string_view line) { log_ += line; }};
  boost::asio::io_context io_;
  std::vector<Listener::Socket> sockets_;
  std::string remote_;
};

TEST_F(ListenerTest, AcceptsOnAUnixSocketOpenToAll) {
  const std::string path = folder_ / "app.sock";
  Listener listener(io_, logger_, counting());
  ASSERT_TRUE(listener.listen(UnixEndpoint{path}));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0666U);

  Local::socket client(io_);
  client.connect(Local::endpoint(path));
  EXPECT_TRUE(run_until(io_, [&] { return sockets_.size() == 1; }));
  listener.close();
  EXPECT_NE(::stat(path.c_str(), &info), 0) << "the socket file stays behind";
}

TEST_F(ListenerTest, ReplacesAStaleSocket) {
  const std::string path = folder_ / "app.sock";
  {
    Local::acceptor killed(io_, Local::endpoint(path));  // closing it leaves the file
  }
  Listener listener(io_, logger_, counting());
  EXPECT_TRUE(listener.listen(UnixEndpoint{path}));
}

TEST_F(ListenerTest, LeavesALiveSocketAlone) {
  const std::string path = folder_ / "app.sock";
  Listener first(io_, logger_, counting());
  ASSERT_TRUE(first.listen(UnixEndpoint{path}));
  {
    Listener second(io_, logger_, counting());
    const auto listening = second.listen(UnixEndpoint{path});
    ASSERT_FALSE(listening);
    EXPECT_THAT(listening.error(), HasSubstr(path));
    EXPECT_THAT(listening.error(), HasSubstr("in use"));
  }
  Local::socket client(io_);
  client.connect(Local::endpoint(path));  // throws if the second one removed the file
}

TEST_F(ListenerTest, LeavesAnotherKindOfFileAlone) {
  const std::string path = folder_.write("app.sock", "precious");
  Listener listener(io_, logger_, counting());
  const auto listening = listener.listen(UnixEndpoint{path});
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error(), HasSubstr("not a socket"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ListenerTest, NamesAnAbsentFolder) {
  Listener listener(io_, logger_, counting());
  const auto listening = listener.listen(UnixEndpoint{folder_ / "absent/app.sock"});
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error(), HasSubstr("No such file"));
}

TEST_F(ListenerTest, NamesAPortInUse) {
  Listener first(io_, logger_, counting());
  ASSERT_TRUE(first.listen(TcpEndpoint{"127.0.0.1", 0}));
  Listener second(io_, logger_, counting());
  const auto listening = second.listen(TcpEndpoint{"127.0.0.1", first.port()});
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error(), HasSubstr(std::to_string(first.port())));
  EXPECT_THAT(listening.error(), HasSubstr("in use"));
}

TEST_F(ListenerTest, TellsTheRemoteAddress) {
  Listener listener(io_, logger_, counting());
  ASSERT_TRUE(listener.listen(TcpEndpoint{"127.0.0.1", 0}));
  tcp::socket client(io_);
  client.connect({boost::asio::ip::address_v4::loopback(), listener.port()});
  ASSERT_TRUE(run_until(io_, [&] { return !remote_.empty(); }));
  EXPECT_EQ(remote_, "127.0.0.1:" + std::to_string(client.local_endpoint().port()));
}

// A pod has addresses of one family, or of both.
TEST_F(ListenerTest, EveryAddressIsOfBothFamilies) {
  Listener listener(io_, logger_, counting());
  ASSERT_TRUE(listener.listen(TcpEndpoint{"::", 0}));
  tcp::socket v4(io_);
  v4.connect({boost::asio::ip::address_v4::loopback(), listener.port()});
  ASSERT_TRUE(run_until(io_, [&] { return sockets_.size() == 1; }));
  EXPECT_EQ(remote_, "127.0.0.1:" + std::to_string(v4.local_endpoint().port()));
  tcp::socket v6(io_);
  boost::system::error_code error;
  v6.connect({boost::asio::ip::address_v6::loopback(), listener.port()}, error);
  if (error) GTEST_SKIP() << "this machine has no IPv6: " << error.message();
  ASSERT_TRUE(run_until(io_, [&] { return sockets_.size() == 2; }));
  EXPECT_EQ(remote_, "[::1]:" + std::to_string(v6.local_endpoint().port()));
}

TEST_F(ListenerTest, PausesWithoutDescriptorsAndRecovers) {
  Listener listener(io_, logger_, counting());
  ASSERT_TRUE(listener.listen(TcpEndpoint{"127.0.0.1", 0}));
  tcp::socket client(io_);
  client.connect({boost::asio::ip::address_v4::loopback(), listener.port()});

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(client.native_handle());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  run_for(io_, std::chrono::milliseconds(250));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(sockets_.empty());
  EXPECT_THAT(log_, HasSubstr("accepting paused"));
  EXPECT_EQ(log_.find("accepting paused"), log_.rfind("accepting paused")) << "logged once";

  EXPECT_TRUE(run_until(io_, [&] { return sockets_.size() == 1; }));
}

}  // namespace
}  // namespace socketmesh::shell

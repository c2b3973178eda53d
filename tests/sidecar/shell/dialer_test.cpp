#include "sidecar/shell/dialer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/sidecar/shell/support/run_loop.hpp"

namespace socketmesh::shell {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using testing::HasSubstr;

class DialerTest : public testing::Test {
 protected:
  // How dialling ended; "" for success.
  std::string dial(const std::string& address, bool loopback_only = true,
                   milliseconds timeout = kDialTimeout) {
    Dialer dialer(io_, loopback_only, timeout);
    std::optional<std::string> outcome;
    dialer.dial(address, [&](Expected<Dialer::Dialed> result) {
      outcome = result ? "" : result.error();
      if (result) remote_ = result->remote;
    });
    EXPECT_FALSE(outcome) << "called back from inside dial()";
    EXPECT_TRUE(run_until(io_, [&] { return outcome.has_value(); }));
    return outcome.value_or("never called back");
  }
  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::string remote_;
};

TEST_F(DialerTest, ConnectsToAnAddress) {
  EXPECT_EQ(dial("127.0.0.1:" + port()), "");
  EXPECT_EQ(remote_, "127.0.0.1:" + port());
}

TEST_F(DialerTest, ConnectsToAName) {
  EXPECT_EQ(dial("localhost:" + port()), "");
}

TEST_F(DialerTest, NamesARefusal) {
  const std::string address = "127.0.0.1:" + port();
  acceptor_.close();
  EXPECT_EQ(dial(address), "Connection refused");
}

TEST_F(DialerTest, TellsASocketThatIsItsOwnPeer) {
  tcp::socket itself(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  itself.connect(itself.local_endpoint());
  EXPECT_TRUE(is_connected_to_itself(itself));

  tcp::socket other(io_);
  EXPECT_FALSE(is_connected_to_itself(other)) << "not connected";
  other.connect(acceptor_.local_endpoint());
  EXPECT_FALSE(is_connected_to_itself(other));
}

TEST_F(DialerTest, KeepsPlainLinksOnLoopback) {
  EXPECT_THAT(dial("192.0.2.1:7400"), HasSubstr("not a loopback address"));
}

TEST_F(DialerTest, NamesABadAddress) {
  EXPECT_NE(dial("no-port"), "");
}

TEST_F(DialerTest, GivesUp) {
  // A full backlog leaves further connections without an answer.
  tcp::acceptor full(io_, tcp::v4());
  full.bind({boost::asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  std::vector<tcp::socket> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(io_).async_connect(full.local_endpoint(), [](const auto&) {});
  }
  run_for(io_, milliseconds(50));
  const std::string address = "127.0.0.1:" + std::to_string(full.local_endpoint().port());
  EXPECT_THAT(dial(address, true, milliseconds(100)), HasSubstr("no answer within 100 ms"));
}

TEST_F(DialerTest, EndsSilentlyWithItsOwner) {
  bool called = false;
  {
    Dialer dialer(io_, true);
    dialer.dial("127.0.0.1:" + port(), [&](const auto&) { called = true; });
  }
  run_for(io_, milliseconds(50));
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace socketmesh::shell

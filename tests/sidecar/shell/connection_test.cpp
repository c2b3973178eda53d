#include "sidecar/shell/connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include "tests/sidecar/shell/support/run_loop.hpp"

namespace socketmesh::shell {
namespace {

using Local = boost::asio::local::stream_protocol;

// Remembers what it hears, and has always something to say.
class Talker final : public Connection::Host {
 public:
  std::string heard;
  bool wants_to_talk = false;
  bool lost = false;
  bool finished = false;

  void connection_open(Connection& /*connection*/) override {}
  void connection_bytes(Connection& /*connection*/, std::span<const std::uint8_t> bytes) override {
    heard.append(bytes.begin(), bytes.end());
  }
  void connection_lost(Connection& /*connection*/, const std::string& /*why*/) override {
    lost = true;
  }
  void connection_finished(Connection& /*connection*/) override { finished = true; }
  std::size_t connection_gather(Connection& /*connection*/, Connection::Slices out) override {
    if (!std::exchange(wants_to_talk, false)) return 0;
    out[0] = word_;
    return 1;
  }
  void connection_written(Connection& /*connection*/, std::size_t /*bytes*/) override {}
  void connection_wants_turn(Connection& /*connection*/) override {}
  void connection_stirred() override {}
  std::span<std::uint8_t> scratch() override { return scratch_; }

 private:
  std::array<std::uint8_t, 4> word_{'w', 'o', 'r', 'd'};
  std::vector<std::uint8_t> scratch_ = std::vector<std::uint8_t>(Connection::kScratchBytes);
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    Local::socket ours(io_);
    boost::asio::local::connect_pair(ours, theirs_);
    connection_ = std::make_shared<Connection>(io_, Connection::Socket(std::move(ours)), nullptr,
                                               host_, Connection::Options{});
    connection_->start();
  }

  boost::asio::io_context io_;
  Talker host_;
  Local::socket theirs_{io_};
  std::shared_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, HearsTheLastWordsOfAPeerThatHearsNothingAnyMore) {
  const std::string words(100'000, 'x');  // more than one read
  boost::asio::write(theirs_, boost::asio::buffer(words));
  theirs_.close();
  host_.wants_to_talk = true;
  connection_->flush();
  EXPECT_FALSE(host_.lost);
  EXPECT_TRUE(run_until(io_, [&] { return host_.lost; }));
  EXPECT_EQ(host_.heard.size(), words.size());
}

TEST_F(ConnectionTest, IsLostInTimeWhenThePeerHearsNothingAndEndsNothing) {
  theirs_.shutdown(Local::socket::shutdown_receive);
  host_.wants_to_talk = true;
  connection_->flush();
  EXPECT_FALSE(host_.lost);
  host_.wants_to_talk = true;
  connection_->flush();
  EXPECT_TRUE(host_.wants_to_talk) << "nothing more is gathered";
  EXPECT_TRUE(run_until(io_, [&] { return host_.lost; }));
}

TEST_F(ConnectionTest, FinishesAtOnceWhenThePeerHearsNothing) {
  theirs_.shutdown(Local::socket::shutdown_receive);
  host_.wants_to_talk = true;
  connection_->flush();
  connection_->finish();
  EXPECT_TRUE(host_.finished);
  EXPECT_FALSE(host_.lost);
}

}  // namespace
}  // namespace socketmesh::shell

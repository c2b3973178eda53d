// A blocking TLS client for tests, as simple as the server must not be. Reads end after 5 s, so
// that a test that waits for nothing fails instead of hanging.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>

namespace socketmesh::net {

class TlsClient {
 public:
  TlsClient(std::uint16_t port, std::shared_ptr<boost::asio::ssl::context> context)
      : context_(std::move(context)), stream_(io_, *context_) {
    stream_.next_layer().connect({boost::asio::ip::address_v4::loopback(), port});
    const timeval limit{5, 0};
    setsockopt(stream_.next_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    stream_.handshake(boost::asio::ssl::stream_base::client, error_);
  }

  void send(const std::string& text) {
    if (!error_) boost::asio::write(stream_, boost::asio::buffer(text), error_);
  }
  // Up to and with `mark`; what came so far when there is no more.
  std::string read_until(const std::string& mark) {
    std::size_t found = 0;
    while ((found = buffer_.find(mark)) == std::string::npos) {
      if (!fill()) return std::exchange(buffer_, "");
    }
    std::string text = buffer_.substr(0, found + mark.size());
    buffer_.erase(0, text.size());
    return text;
  }
  std::string read_to_end() {
    while (fill()) {
    }
    return std::exchange(buffer_, "");
  }
  const boost::system::error_code& error() const { return error_; }

 private:
  bool fill() {
    if (error_) return false;
    std::array<char, 4096> bytes{};
    const std::size_t count = stream_.read_some(boost::asio::buffer(bytes), error_);
    EXPECT_NE(error_, boost::asio::error::would_block) << "the server neither sent nor closed";
    buffer_.append(bytes.data(), count);
    return !error_;
  }

  boost::asio::io_context io_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  boost::system::error_code error_;
  std::string buffer_;
};

}  // namespace socketmesh::net

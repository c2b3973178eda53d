// GET from an HTTP server that runs on the test's own io_context.
#pragma once

#include <gtest/gtest.h>

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "tests/sidecar/shell/support/run_loop.hpp"

namespace socketmesh::shell {

// The whole answer, head and body.
inline std::string http_get(boost::asio::io_context& io, std::uint16_t port,
                            const std::string& path) {
  boost::asio::ip::tcp::socket client(io);
  client.connect({boost::asio::ip::address_v4::loopback(), port});
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  boost::asio::write(client, boost::asio::buffer(request));
  std::string answer;
  bool done = false;
  boost::asio::async_read(client, boost::asio::dynamic_buffer(answer),
                          [&](const auto&, std::size_t) { done = true; });
  EXPECT_TRUE(run_until(io, [&] { return done; }));
  return answer;
}

inline std::string http_body(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace socketmesh::shell

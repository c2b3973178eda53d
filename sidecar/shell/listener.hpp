// Accepts connections on a Unix socket or a TCP port.
//
// A Unix socket file that nobody answers on is left over from a killed process and replaced; one
// that answers belongs to another process, and listening fails. The file is open to every user
// (mode 0666: the app may run as another one; its folder says who gets there) and is removed by
// close(). When the process or the machine is out of descriptors or memory, accepting pauses.
// One thread. Lifetime: no callback after close() or destruction.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"
#include "lib/obs/log.hpp"

namespace socketmesh::shell {

class Listener {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  // A new connection, and its address for people.
  using OnAccept = std::function<void(Socket socket, const std::string& remote)>;

  // How long accepting pauses when there is no descriptor or memory for a connection.
  static constexpr std::chrono::milliseconds kPause{100};

  // The logger outlives the listener.
  Listener(boost::asio::io_context& io, const obs::Logger& logger, OnAccept on_accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The error names the endpoint and the reason.
  Expected<void> listen(const Endpoint& endpoint);
  // For TCP endpoints with port 0.
  [[nodiscard]] std::uint16_t port() const;
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::shell

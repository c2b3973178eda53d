// Opens TCP connections to peers, by address or by name, each within kDialTimeout.
//
// One callback a dial, never from inside dial(). Lifetime: destroying the dialer ends what is under
// way without a callback. One thread. Errors are text for people.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "lib/base/expected.hpp"

namespace socketmesh::shell {

inline constexpr std::chrono::milliseconds kDialTimeout{2000};

class Dialer {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  struct Dialed {
    Socket socket;
    std::string remote;  // address:port that answered
  };
  using Done = std::function<void(Expected<Dialed>)>;

  // `loopback_only`: other addresses are refused, as plain links must not leave the machine.
  Dialer(boost::asio::io_context& io, bool loopback_only,
         std::chrono::milliseconds timeout = kDialTimeout);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  void dial(const std::string& address, Done done);

 private:
  class Attempt;
  boost::asio::io_context& io_;
  bool loopback_only_;
  std::chrono::milliseconds timeout_;
  // Shared with attempts, which take themselves out of it.
  std::shared_ptr<std::unordered_set<std::shared_ptr<Attempt>>> attempts_;
};

// Addresses and the port as text, IPv6 in brackets.
std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);
// A dial to a local port of the range that outgoing connections take theirs from, while nobody
// listens there, may be given that very port: TCP's simultaneous open then connects it to itself.
bool is_connected_to_itself(const boost::asio::ip::tcp::socket& socket);
// 127.0.0.0/8 and ::1, also where IPv4 is written as IPv6.
bool is_loopback(const boost::asio::ip::address& address);

}  // namespace socketmesh::shell

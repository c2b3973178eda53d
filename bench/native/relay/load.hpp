// The load: publishers push as fast as their connections take it, and as what was published is not
// too far ahead of what the slowest subscriber has: a window over all of them, the same whatever
// the relay, so that none has to drop anything.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/native/poller.hpp"
#include "bench/native/relay/protocol.hpp"

namespace socketmesh::bench {

struct LoadOptions {
  std::vector<std::string> addresses;  // connections are spread over them, in turn
  std::size_t publishers = 1;
  std::size_t subscribers = 1;
  std::uint64_t messages = 0;  // of each publisher
  std::size_t payload_bytes = 128;
  std::size_t window_bytes = 8U << 20U;  // of payload, published and not yet everywhere
};

struct LoadResult {
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;  // as the relay says
  double seconds = 0;         // from the first publish to the last delivery
};

class Load {
 public:
  using MakeProtocol =
      std::function<std::unique_ptr<Protocol>(const ProtocolOptions&, std::size_t index)>;

  Load(LoadOptions options, const MakeProtocol& make);

  // Until every connection is greeted and every subscription in force.
  void connect();
  // Until all is delivered; or nothing more has come for some seconds.
  LoadResult run();

 private:
  struct Connection {
    Fd fd;
    std::unique_ptr<Protocol> protocol;
    Buffer out;
    std::size_t written = 0;       // of `out`
    std::uint64_t to_publish = 0;  // still
    bool wants_writable = false;
  };

  void on_event(const Poller::Event& event);
  void read(Connection& connection);
  void fill(Connection& connection);
  void write(std::size_t index);
  void push();
  [[nodiscard]] std::uint64_t room() const;
  [[nodiscard]] std::uint64_t delivered() const;

  LoadOptions options_;
  Poller poller_;
  std::vector<Connection> connections_;  // publishers first
  Buffer scratch_;
  std::uint64_t published_ = 0;
};

}  // namespace socketmesh::bench

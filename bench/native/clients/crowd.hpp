// Many clients in one thread: connects them, a bounded number at a time, keeps them alive, and
// counts what they receive.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/native/clients/client.hpp"
#include "bench/native/poller.hpp"

namespace socketmesh::bench {

struct CrowdOptions {
  std::vector<std::string> targets;  // host:port; clients take turns
  std::size_t connections = 1;
  std::size_t at_once = 64;  // of them connecting
};

class Crowd {
 public:
  explicit Crowd(CrowdOptions options);

  // Until all are connected, or one failed, or no more came for some seconds. Returns how many are;
  // failure() says why not all.
  std::size_t connect();
  [[nodiscard]] const std::string& failure() const { return failure_; }

  // Serves the connections until a line comes on standard input, and returns that.
  std::string serve();

  // From here on, messages are counted from 0.
  void arm();

  struct Report {
    std::size_t connected = 0;
    std::uint64_t messages = 0;
    std::uint64_t fewest = 0;                 // messages of one client
    std::int64_t last_us = 0;                 // when the last message came
    std::vector<std::uint32_t> latencies_us;  // of every message, sorted
  };
  [[nodiscard]] Report report() const;
  [[nodiscard]] std::uint64_t messages() const { return messages_; }

 private:
  struct Slot {
    Fd fd;
    Client client;
    std::string out;
    std::uint64_t messages = 0;
    bool wants_writable = true;
  };
  class Listener;

  void begin_next();
  void on_event(const Poller::Event& event);
  void read(std::size_t index);
  void write(std::size_t index);
  void lost(std::size_t index, const std::string& why);

  CrowdOptions options_;
  Poller poller_;
  std::vector<Slot> slots_;
  std::vector<std::uint8_t> scratch_;
  std::size_t begun_ = 0;
  std::size_t connected_ = 0;
  std::string failure_;
  std::uint64_t messages_ = 0;
  std::int64_t last_us_ = 0;
  std::vector<std::uint32_t> latencies_us_;
};

}  // namespace socketmesh::bench

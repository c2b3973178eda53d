// What the load generators share: sockets that never block, epoll, time, and failing with a text.
//
// For programs of one thread that measure something and end: what goes wrong is thrown as
// std::runtime_error, and main() prints it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace socketmesh::bench {

// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(int number = -1) : number_(number) {}
  ~Fd();
  Fd(Fd&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool open() const { return number_ >= 0; }

 private:
  int number_;
};

// Microseconds of CLOCK_MONOTONIC: the clock of Node's process.hrtime, one for the whole machine.
std::int64_t now_us();

// Begins to connect to "unix:/path" or "<IPv4 address>:port"; TCP_NODELAY is set. Writable when
// done.
Fd connect_to(const std::string& address);

// As many descriptors as this process may have; returns how many those are.
std::uint64_t raise_descriptor_limit();

class Poller {
 public:
  struct Event {
    std::size_t key = 0;
    bool readable = false;
    bool writable = false;
  };

  Poller();
  // `key` comes back with the descriptor's events. Errors and hang-ups count as readable.
  void add(const Fd& fd, std::size_t key, bool writable);
  void add(int fd, std::size_t key);  // readable only
  void want(const Fd& fd, std::size_t key, bool writable);
  // Waits for at most `timeout_ms` (-1: for ever), and calls `on_event` for what is ready.
  void wait(int timeout_ms, const std::function<void(const Event&)>& on_event);

 private:
  void control(int operation, int fd, std::size_t key, bool writable);

  Fd epoll_;
};

// Reads what is there, at most `size` bytes; 0 when there is nothing now. Throws at the end of the
// stream and on errors.
std::size_t read_some(const Fd& fd, std::uint8_t* to, std::size_t size);
// Writes what fits now.
std::size_t write_some(const Fd& fd, const std::uint8_t* from, std::size_t size);

// The next line of standard input; empty at its end.
std::string read_line();

}  // namespace socketmesh::bench

// One Socket.IO client over WebSocket, without I/O: bytes of the server in, bytes to write out.
//
// Just what a measurement needs of RFC 6455, Engine.IO 4 and Socket.IO 5: the upgrade, the default
// namespace, pings, and events whose first argument is a time in microseconds. Frames of the server
// must be whole text messages, unfragmented and unmasked, as ws sends them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace socketmesh::bench {

class Client {
 public:
  enum class State : std::uint8_t { kUpgrading, kConnecting, kConnected };

  // Hears what the client receives.
  class Events {
   public:
    virtual ~Events() = default;
    virtual void connected() = 0;
    // An event whose first argument is `sent_us`.
    virtual void message(std::int64_t sent_us) = 0;
  };

  // What to write first.
  static std::string request(const std::string& host);

  // Appends answers to `out`. Throws std::runtime_error for what a server must not say.
  void received(std::span<const std::uint8_t> bytes, std::string& out, Events& events);

  [[nodiscard]] State state() const { return state_; }

 private:
  std::string_view upgraded(std::string_view bytes);
  // Takes whole frames from the front; returns what is left of a begun one.
  std::string_view frames(std::string_view bytes, std::string& out, Events& events);
  void text(std::string_view message, std::string& out, Events& events);

  State state_ = State::kUpgrading;
  std::string begun_;  // of a head or a frame
};

}  // namespace socketmesh::bench

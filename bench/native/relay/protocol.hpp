// What the load generator says to a relay, and what it reads from it: one protocol a class, so that
// the generator treats all relays alike.
//
// Sans-IO: bytes out, bytes in. Each connection is either a publisher or a subscriber of one
// subject.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

namespace socketmesh::bench {

using Bytes = std::span<const std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

class Protocol {
 public:
  Protocol() = default;
  virtual ~Protocol() = default;
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;

  // What a new connection writes first.
  virtual void greet(Buffer& out) = 0;
  // Appends `count` messages to publish.
  virtual void publish(Buffer& out, std::uint32_t count) = 0;
  // Takes bytes of the relay; appends what has to be answered. Throws std::runtime_error for what
  // the relay must not say.
  virtual void received(Bytes bytes, Buffer& out) = 0;
  // The relay has confirmed the greeting; a subscription is in force.
  [[nodiscard]] virtual bool ready() const = 0;

  // Messages delivered on this connection, and those that the relay says it dropped.
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 protected:
  std::uint64_t delivered_ = 0;
  std::uint64_t dropped_ = 0;
};

struct ProtocolOptions {
  bool subscriber = false;
  std::size_t payload_bytes = 0;
};

// The app protocol of a sidecar, as docs/protocol.md has it.
std::unique_ptr<Protocol> make_app_protocol(const ProtocolOptions& options, std::uint64_t member);
// The client protocol of nats-server, as `nats bench` speaks it: no acknowledgements.
std::unique_ptr<Protocol> make_nats_protocol(const ProtocolOptions& options);

}  // namespace socketmesh::bench

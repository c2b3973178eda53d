// How the plain bytes of one link connection become the bytes on its wire, and back.
//
// The seam between links and their security. A link without a transport is plain TCP: its bytes are
// written from the node's own buffers, without a copy. Sans-IO: the connection moves the wire
// bytes. One thread. No exceptions: a failure is a phase with a text that people can act on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace socketmesh::shell {

enum class TransportRole : std::uint8_t { kDialed, kAccepted };

class Transport {
 public:
  enum class Phase : std::uint8_t {
    kHandshake,
    kOpen,
    kClosed,  // the peer ended it in order
    kFailed,  // error() says why
  };
  // Receives plain bytes, valid during the call.
  using PlainSink = std::function<void(std::span<const std::uint8_t>)>;

  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Begins the handshake: the dialling side has wire bytes at once.
  virtual void start() = 0;
  // Bytes as they came from the wire; calls `plain` for what they held.
  virtual void wire_received(std::span<const std::uint8_t> bytes, const PlainSink& plain) = 0;
  // Takes plain bytes from the front of `slices`, and returns how many: fewer than offered when
  // kWireBufferBytesMax wait to be written. Only in kOpen.
  virtual std::size_t send(std::span<const std::span<const std::uint8_t>> slices) = 0;
  // Announces the end to the peer. Nothing can be sent after it.
  virtual void finish() = 0;

  // What to write to the wire next, valid until the next call.
  [[nodiscard]] virtual std::span<const std::uint8_t> wire_pending() const = 0;
  virtual void wire_written(std::size_t bytes) = 0;

  [[nodiscard]] virtual Phase phase() const = 0;
  [[nodiscard]] virtual std::string_view error() const = 0;
};

// Wire bytes that a transport holds ready before it takes no more plain ones.
inline constexpr std::size_t kWireBufferBytesMax = 256U << 10U;

// Makes the transport of a new link connection; empty for plain links.
using TransportFactory = std::function<std::unique_ptr<Transport>(TransportRole)>;

}  // namespace socketmesh::shell

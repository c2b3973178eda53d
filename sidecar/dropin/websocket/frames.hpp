// WebSocket frames (RFC 6455, section 5), read and written without I/O, so that what a stranger
// sends can be fuzzed and simulated like every other decoder here; docs/adr/0009 says why not
// Beast's.
//
// The parser hands messages on in pieces as they come: memory does not grow with a message. No
// extensions. Text is not checked for UTF-8: both ends of a tunnel do. Pure; not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::dropin::ws {

using wire::Buffer;
using wire::Bytes;

enum class Role : std::uint8_t {
  kServer,  // of this end: what it reads is masked, what it writes is not
  kClient,
};

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// Close codes, as far as this sidecar sends them.
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kNoCode = 1005;  // never on the wire: a close frame without a code
inline constexpr std::uint16_t kBadPayload = 1007;
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kTryAgain = 1013;

// Bytes of the payload of a control frame.
inline constexpr std::size_t kControlBytesMax = 125;
// Bytes of the longest frame head.
inline constexpr std::size_t kHeadBytesMax = 14;

// Whether a close frame may carry `code`.
bool is_close_code(std::uint16_t code);

class Parser {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    // The next bytes of a message, or all of it; `last` ends it. Valid during the call.
    virtual void message(Bytes piece, bool text, bool last) = 0;
    // A ping, pong or close with its payload.
    virtual void control(Opcode opcode, Bytes payload) = 0;
  };

  // Messages over `message_bytes_max` are an error.
  Parser(Role role, std::size_t message_bytes_max) : role_(role), max_(message_bytes_max) {}

  // Returns 0, or the close code of what is wrong with the bytes; nothing can be fed after that,
  // nor behind a close frame. Calls `sink` until its stop() says so.
  std::uint16_t feed(Bytes bytes, Sink& sink);
  // Nothing more is read: called by a sink that closes in the middle of a feed.
  void stop() { stopped_ = true; }

 private:
  std::uint16_t head();
  std::uint16_t check(Opcode opcode, bool last, std::uint64_t size) const;
  std::size_t head_bytes() const;
  Bytes unmask(Bytes bytes);
  void payload(Bytes bytes, Sink& sink);

  Role role_;
  std::size_t max_;
  std::array<std::uint8_t, kHeadBytesMax> head_{};
  std::size_t head_size_ = 0;
  Opcode opcode_ = Opcode::kBinary;  // of the frame whose payload is read
  bool in_frame_ = false;
  bool frame_last_ = false;
  bool in_message_ = false;  // a message is not complete
  bool text_ = false;
  bool masked_ = false;
  bool stopped_ = false;
  std::uint64_t left_ = 0;  // of the frame's payload
  std::uint64_t message_bytes_ = 0;
  std::array<std::uint8_t, 4> mask_{};
  std::size_t mask_at_ = 0;
  Buffer plain_;    // the piece, unmasked
  Buffer control_;  // of a control frame
};

// Writes the head of a frame; `size` bytes of payload follow. A client's frames are masked with
// zeros: the mask is there against intermediaries, of which loopback has none, and with zeros both
// ends may leave the bytes alone.
void write_head(Buffer& out, Role role, Opcode opcode, bool last, std::size_t size);
void write_frame(Buffer& out, Role role, Opcode opcode, bool last, Bytes payload);
// Cuts `reason` to what fits.
void write_close(Buffer& out, Role role, std::uint16_t code, std::string_view reason);

}  // namespace socketmesh::dropin::ws

// Channels: reliable payloads between the same part of two sidecars (drop-in, recovery), on the
// link that the mesh has anyway.
//
// A payload arrives once and in order, over reconnections, for as long as both lives of the
// sidecars and the stream between them last. When a stream begins anew everything said on the one
// before is void, and may or may not have arrived: kStarted tells the sender, who then says its
// whole state again (that, too, is how its peer learns of it). The two directions begin anew
// independently. Whoever sends must bound what is on its way to a peer: with
// Limits::control_backlog_bytes waiting the link is cut and begins anew. Only peers that speak the
// channel, as both HELLOs say, are heard of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::node {

enum class Channel : std::uint8_t { kDropIn = 0, kRecovery = 1 };

constexpr std::uint32_t channel_bit(Channel channel) {
  return 1U << static_cast<unsigned>(channel);
}

// Names a peer from kStarted to kGone; may name another one later.
using PeerKey = std::uint32_t;

struct ChannelEvent {
  enum class Kind : std::uint8_t {
    kStarted,  // our stream to `peer` begins anew: nothing that was sent to it counts any more
    kLinked,   // the link is up (behind kStarted where both happen)
    kLost,     // the link is lost; the streams stand until kStarted or kGone
    kGone,     // the peer has left, or was given up
    kFrame,    // it says `payload()`
  };
  Kind kind = Kind::kFrame;
  Channel channel = Channel::kDropIn;  // of kFrame; the others are about the peer
  PeerKey peer = 0;
  std::uint32_t channels = 0;  // of kStarted: bits of those that the peer speaks, and we
  std::string id;              // of kStarted: the peer's sidecar id
  std::size_t at = 0;          // of kFrame, in ChannelEvents::bytes
  std::size_t size = 0;
};

// What happened since the last take, in order.
struct ChannelEvents {
  std::vector<ChannelEvent> list;
  wire::Buffer bytes;

  wire::Bytes payload(const ChannelEvent& event) const {
    return wire::Bytes(bytes).subspan(event.at, event.size);
  }
  void clear() {
    list.clear();
    bytes.clear();
  }
};

}  // namespace socketmesh::node

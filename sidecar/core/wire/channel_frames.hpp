// CHANNEL frames: what a part of the sidecar beside the mesh's own traffic (drop-in, recovery) says
// to the same part of a peer. They lie in records between the other control frames, so they are
// reliable and in order; what is inside is the channel's own.
#pragma once

#include <optional>

#include "sidecar/core/wire/frame.hpp"

namespace socketmesh::wire::link {

// Behind the frames of records (0x30 to 0x36), and apart from DATA (0x40).
inline constexpr std::uint8_t kChannelType = 0x50;

// Bytes that a channel may put into one frame, so that records stay near their size.
inline constexpr std::size_t kChannelPayloadBytesMax = 64U << 10U;

struct ChannelFrame {
  std::uint8_t channel = 0;
  Bytes payload;
};

// Nothing when it is too short, or longer than a channel may make it.
std::optional<ChannelFrame> decode_channel(Bytes payload);
// `head` and `body` follow one another in the payload.
void write_channel(Buffer& out, std::uint8_t channel, Bytes head, Bytes body);

}  // namespace socketmesh::wire::link

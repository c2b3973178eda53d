#include "sidecar/core/wire/channel_frames.hpp"

namespace socketmesh::wire::link {

std::optional<ChannelFrame> decode_channel(Bytes payload) {
  if (payload.empty() || payload.size() > 1 + kChannelPayloadBytesMax) return std::nullopt;
  return ChannelFrame{payload[0], payload.subspan(1)};
}

void write_channel(Buffer& out, std::uint8_t channel, Bytes head, Bytes body) {
  FrameWriter writer(out, kChannelType);
  writer.u8(channel);
  writer.bytes(head);
  writer.bytes(body);
}

}  // namespace socketmesh::wire::link

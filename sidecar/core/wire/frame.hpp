// The shape that every frame shares: u32 length of what follows, u8 type, payload.
#pragma once

#include <optional>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::wire {

inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::size_t kFrameHeadBytes = 5;  // length and type
// The longest frame, its length field left out.
inline constexpr std::size_t kMaxFrameBytes = 20U << 20U;
// A link record may hold one longest frame and its own head.
inline constexpr std::size_t kMaxRecordBytes = kMaxFrameBytes + 1024;

inline constexpr std::uint8_t kDataType = 0x40;

// Starts a frame at construction, and writes its length at destruction.
class FrameWriter : public Writer {
 public:
  FrameWriter(Buffer& out, std::uint8_t type) : Writer(out), out_(out), start_(out.size()) {
    u32(0);
    u8(type);
  }
  ~FrameWriter() {
    store(out_.data() + start_, static_cast<std::uint32_t>(out_.size() - start_ - kLengthBytes));
  }
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

 private:
  Buffer& out_;
  std::size_t start_;
};

// The first whole frame of `bytes`, length field included; nothing when it is not all there. The
// caller has checked its length.
inline std::optional<Bytes> first_frame(Bytes bytes) {
  if (bytes.size() < kLengthBytes) return std::nullopt;
  const std::size_t size = kLengthBytes + load<std::uint32_t>(bytes.data());
  if (bytes.size() < size) return std::nullopt;
  return bytes.first(size);
}

inline std::uint8_t frame_type(Bytes frame) {
  return frame[kLengthBytes];
}
inline Bytes frame_payload(Bytes frame) {
  return frame.subspan(kFrameHeadBytes);
}

}  // namespace socketmesh::wire

// Cuts a byte stream, as it comes from a socket, into whole frames. Keeps only the begun frame;
// whole frames are seen in place.
#pragma once

#include <algorithm>

#include "sidecar/core/wire/frame.hpp"

namespace socketmesh::wire {

enum class InputError : std::uint8_t { kNone, kOversized, kEmpty };

class InputBuffer {
 public:
  explicit InputBuffer(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  // Calls `on_frames(Bytes)` with runs of one or more whole frames, in order; it returns false to
  // stop (the rest is dropped: the connection is being closed). An oversized or typeless frame ends
  // the stream with an error after the frames before it.
  template <typename OnFrames>
  InputError feed(Bytes input, OnFrames&& on_frames) {
    if (!carry_.empty()) {
      if (const InputError error = complete_carry(input); error != InputError::kNone) return error;
      if (!carry_whole()) return InputError::kNone;
      Buffer frame;
      frame.swap(carry_);
      if (!on_frames(Bytes(frame))) return InputError::kNone;
      // Give small buffers back for the next begun frame; a large one is not worth keeping.
      if (frame.capacity() <= kKeptCarryBytes) {
        frame.clear();
        carry_.swap(frame);
      }
    }
    std::size_t whole = 0;
    const InputError error = scan(input, whole);
    if (whole > 0 && !on_frames(input.first(whole))) return InputError::kNone;
    if (error != InputError::kNone) return error;
    carry_.insert(carry_.end(), input.begin() + static_cast<std::ptrdiff_t>(whole), input.end());
    return InputError::kNone;
  }

  std::size_t carried_bytes() const { return carry_.size(); }

 private:
  static constexpr std::size_t kKeptCarryBytes = 64U << 10U;

  InputError check(std::uint32_t length) const {
    if (length == 0) return InputError::kEmpty;
    if (length > max_frame_bytes_) return InputError::kOversized;
    return InputError::kNone;
  }

  bool carry_whole() const {
    return carry_.size() >= kLengthBytes &&
           carry_.size() == kLengthBytes + load<std::uint32_t>(carry_.data());
  }

  void move_to_carry(Bytes& input, std::size_t size) {
    size = std::min(size, input.size());
    carry_.insert(carry_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(size);
  }

  InputError complete_carry(Bytes& input) {
    if (carry_.size() < kLengthBytes) move_to_carry(input, kLengthBytes - carry_.size());
    if (carry_.size() < kLengthBytes) return InputError::kNone;
    const std::uint32_t length = load<std::uint32_t>(carry_.data());
    if (const InputError error = check(length); error != InputError::kNone) return error;
    move_to_carry(input, kLengthBytes + length - carry_.size());
    return InputError::kNone;
  }

  InputError scan(Bytes input, std::size_t& whole) const {
    while (input.size() - whole >= kLengthBytes) {
      const std::uint32_t length = load<std::uint32_t>(input.data() + whole);
      if (const InputError error = check(length); error != InputError::kNone) return error;
      if (input.size() - whole - kLengthBytes < length) break;
      whole += kLengthBytes + length;
    }
    return InputError::kNone;
  }

  std::size_t max_frame_bytes_;
  Buffer carry_;
};

}  // namespace socketmesh::wire

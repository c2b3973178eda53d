// What a sidecar sends one attached member: a bounded FIFO of control and DATA frames, free once
// written.
//
// DATA frames are numbered from 1 as they are queued; the member counts what it took. Over the
// limit the oldest data that is not being written is replaced by a GAP frame that says how many
// frames it stands for. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <deque>

#include "sidecar/core/wire/app_frames.hpp"
#include "sidecar/core/wire/data_frame.hpp"

namespace socketmesh::node {

class MemberQueue {
 public:
  MemberQueue(std::size_t limit_bytes, std::size_t chunk_bytes)
      : limit_bytes_(limit_bytes), chunk_bytes_(chunk_bytes) {}

  // Appends whole DATA frames. Returns the messages that had to go to make room.
  std::uint64_t append_data(wire::Bytes frames, std::uint32_t count);
  // Appends a GAP that counts as a delivery itself, so that the member's TAKEN covers it.
  void append_gap(std::uint64_t messages, wire::app::GapReason reason, std::string_view where);
  // A buffer to append control frames to; valid until the next call.
  wire::Buffer& control();

  std::size_t gather(std::span<wire::Bytes> out);
  void written(std::size_t bytes);

  bool empty() const {
    return chunks_.empty() || (chunks_.size() == 1 && chunks_.front().bytes.empty());
  }
  std::size_t bytes() const;
  std::size_t data_bytes() const { return data_bytes_; }
  // Bytes of control and GAP frames waiting to be written.
  std::size_t control_bytes() const;
  // Number of the last delivery that was queued.
  std::uint64_t queued() const { return queued_; }

 private:
  struct Chunk {
    wire::Buffer bytes;
    std::uint32_t data = 0;  // DATA frames in it; 0 = control frames
    std::uint64_t gap = 0;   // frames that this GAP frame stands for
    std::uint64_t lost = 0;  // messages that they stand for
    bool closed = false;
  };

  std::uint64_t shrink();
  void write_gap(Chunk& chunk);

  std::size_t limit_bytes_;
  std::size_t chunk_bytes_;
  std::deque<Chunk> chunks_;
  std::size_t offset_ = 0;  // written bytes of the first chunk
  std::size_t data_bytes_ = 0;
  std::size_t next_reserve_ = 0;
  std::uint64_t queued_ = 0;
};

}  // namespace socketmesh::node

// Bytes waiting to be written to one connection, in chunks that are gathered without a copy. Pure;
// not thread-safe; its users bound it.
#pragma once

#include <deque>
#include <span>
#include <string_view>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::dropin {

class OutQueue {
 public:
  static constexpr std::size_t kChunkBytes = 64U << 10U;

  // To append to: for at least `more` bytes, which are counted by the next size(). Valid until the
  // next call.
  wire::Buffer& tail(std::size_t more) {
    if (chunks_.empty() || chunks_.back().size() + more > kChunkBytes) chunks_.emplace_back();
    return chunks_.back();
  }
  void append(std::string_view text) {
    wire::Buffer& out = tail(text.size());
    out.insert(out.end(), text.begin(), text.end());
  }

  std::size_t gather(std::span<wire::Bytes> out) const {
    std::size_t shown = 0;
    std::size_t from = offset_;
    for (const wire::Buffer& chunk : chunks_) {
      if (shown == out.size()) break;
      if (chunk.size() > from) out[shown++] = wire::Bytes(chunk).subspan(from);
      from = 0;
    }
    return shown;
  }
  void written(std::size_t bytes) {
    offset_ += bytes;
    while (!chunks_.empty() && offset_ >= chunks_.front().size()) {
      offset_ -= chunks_.front().size();
      if (chunks_.size() == 1) {
        // Kept for what comes next, unless it is large.
        chunks_.front().clear();
        if (chunks_.front().capacity() > kChunkBytes) chunks_.clear();
        return;
      }
      chunks_.pop_front();
    }
  }
  [[nodiscard]] std::size_t size() const {
    std::size_t bytes = 0;
    for (const wire::Buffer& chunk : chunks_) bytes += chunk.size();
    return bytes - offset_;
  }
  [[nodiscard]] bool empty() const { return size() == 0; }

 private:
  std::deque<wire::Buffer> chunks_;
  std::size_t offset_ = 0;  // written bytes of the first chunk
};

}  // namespace socketmesh::dropin

#include "sidecar/core/node/member_queue.hpp"

#include <algorithm>

namespace socketmesh::node {

std::uint64_t MemberQueue::append_data(wire::Bytes frames, std::uint32_t count) {
  const bool fits = !chunks_.empty() && !chunks_.back().closed && chunks_.back().data > 0 &&
                    chunks_.back().bytes.size() + frames.size() <= chunk_bytes_;
  if (!fits) {
    if (!chunks_.empty()) {
      chunks_.back().closed = true;
      next_reserve_ = chunks_.back().bytes.size();
    }
    chunks_.emplace_back().bytes.reserve(
        std::max(frames.size(), std::min(next_reserve_, chunk_bytes_)));
  }
  Chunk& chunk = chunks_.back();
  chunk.bytes.insert(chunk.bytes.end(), frames.begin(), frames.end());
  chunk.data += count;
  queued_ += count;
  data_bytes_ += frames.size();
  std::uint64_t lost = 0;
  while (data_bytes_ > limit_bytes_) {
    const std::uint64_t dropped = shrink();
    if (dropped == 0) break;
    lost += dropped;
  }
  return lost;
}

wire::Buffer& MemberQueue::control() {
  if (chunks_.empty() || chunks_.back().closed || chunks_.back().data > 0 ||
      chunks_.back().gap > 0) {
    if (!chunks_.empty()) chunks_.back().closed = true;
    chunks_.emplace_back();
  }
  return chunks_.back().bytes;
}

void MemberQueue::append_gap(std::uint64_t messages, wire::app::GapReason reason,
                             std::string_view where) {
  wire::app::write_gap(control(), 1, messages, reason, where);
  ++queued_;
}

// Replaces the oldest data chunk that is not being written by a GAP frame, or adds it to the one
// before.
std::uint64_t MemberQueue::shrink() {
  for (std::size_t i = offset_ > 0 ? 1 : 0; i < chunks_.size(); ++i) {
    Chunk& chunk = chunks_[i];
    if (chunk.data == 0) continue;
    const std::uint64_t dropped = wire::message_count(chunk.bytes);
    data_bytes_ -= chunk.bytes.size();
    const bool joins = i > 0 && chunks_[i - 1].gap > 0 && (i > 1 || offset_ == 0);
    if (joins) {
      chunks_[i - 1].gap += chunk.data;
      chunks_[i - 1].lost += dropped;
      write_gap(chunks_[i - 1]);
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      chunk.gap = chunk.data;
      chunk.lost = dropped;
      chunk.data = 0;
      write_gap(chunk);
    }
    return dropped;
  }
  return 0;
}

void MemberQueue::write_gap(Chunk& chunk) {
  chunk.closed = true;
  chunk.bytes = {};
  wire::app::write_gap(chunk.bytes, chunk.gap, chunk.lost, wire::app::GapReason::kMemberQueue, {});
}

std::size_t MemberQueue::gather(std::span<wire::Bytes> out) {
  std::size_t shown = 0;
  for (std::size_t i = 0; i < chunks_.size() && shown < out.size(); ++i) {
    Chunk& chunk = chunks_[i];
    chunk.closed = true;
    const wire::Bytes bytes = wire::Bytes(chunk.bytes).subspan(i == 0 ? offset_ : 0);
    if (!bytes.empty()) out[shown++] = bytes;
  }
  return shown;
}

void MemberQueue::written(std::size_t bytes) {
  while (!chunks_.empty()) {
    Chunk& front = chunks_.front();
    const std::size_t left = front.bytes.size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    if (front.data > 0) data_bytes_ -= front.bytes.size();
    chunks_.pop_front();
    offset_ = 0;
  }
}

std::size_t MemberQueue::bytes() const {
  std::size_t total = 0;
  for (const Chunk& chunk : chunks_) total += chunk.bytes.size();
  return total - offset_;
}

std::size_t MemberQueue::control_bytes() const {
  std::size_t total = 0;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (chunks_[i].data == 0) total += chunks_[i].bytes.size() - (i == 0 ? offset_ : 0);
  }
  return total;
}

}  // namespace socketmesh::node

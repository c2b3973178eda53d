// One direction of a connection: bytes in flight, each with the moment at which it arrives.
//
// Bounded like a socket buffer: what was written and not yet read counts. Bytes arrive in order,
// or, after truncate(), not at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "tests/sim/bytes.hpp"
#include "tests/sim/rng.hpp"
#include "tests/sim/scheduler.hpp"

namespace socketmesh::sim {

class Pipe {
 public:
  void set_capacity(std::size_t bytes) { capacity_ = bytes; }
  std::size_t room() const { return capacity_ > size() ? capacity_ - size() : 0; }
  std::size_t size() const { return buffer_.size() - read_; }

  void put(std::string_view bytes, TimeUs arrives) {
    if (ended_ || bytes.empty()) return;
    last_ = std::max(last_, arrives);
    buffer_.append(bytes);
    segments_.push_back({last_, bytes.size()});
  }
  // The writer is done; nothing comes after what is in flight.
  void end(TimeUs arrives) {
    if (ended_) return;
    ended_ = true;
    last_ = std::max(last_, arrives);
  }
  // A reset: the end arrives soon, and an unknown part of what was in flight never does.
  void truncate(Rng& rng, TimeUs arrives) {
    std::size_t kept = rng.index(size() + 1);
    buffer_.resize(read_ + kept);
    std::deque<Segment> segments;
    for (Segment segment : segments_) {
      segment.bytes = std::min(segment.bytes, kept);
      kept -= segment.bytes;
      if (segment.bytes > 0) segments.push_back({std::min(segment.at, arrives), segment.bytes});
    }
    segments_ = std::move(segments);
    ended_ = true;
    last_ = arrives;
  }

  // Bytes that have arrived by now.
  std::size_t arrived(TimeUs now) const {
    std::size_t bytes = 0;
    for (const Segment& segment : segments_) {
      if (segment.at > now) break;
      bytes += segment.bytes;
    }
    return bytes;
  }
  std::string take(std::size_t bytes) {
    std::string out = buffer_.substr(read_, bytes);
    read_ += out.size();
    for (std::size_t left = out.size(); left > 0;) {
      const std::size_t step = std::min(left, segments_.front().bytes);
      left -= step;
      segments_.front().bytes -= step;
      if (segments_.front().bytes == 0) segments_.pop_front();
    }
    if (read_ == buffer_.size() || read_ > kCompactBytes) {
      buffer_.erase(0, read_);
      read_ = 0;
    }
    return out;
  }
  bool at_end(TimeUs now) const { return ended_ && segments_.empty() && last_ <= now; }
  // When something arrives next; kNever when nothing is in flight.
  TimeUs next() const {
    if (!segments_.empty()) return segments_.front().at;
    return ended_ ? last_ : node::kNever;
  }

 private:
  static constexpr std::size_t kCompactBytes = 256U << 10U;
  struct Segment {
    TimeUs at;
    std::size_t bytes;
  };
  std::string buffer_;
  std::size_t read_ = 0;
  std::deque<Segment> segments_;
  std::size_t capacity_ = 64U << 10U;
  TimeUs last_ = 0;
  bool ended_ = false;
};

}  // namespace socketmesh::sim

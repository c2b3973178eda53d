// Pauses between attempts: each twice the one before, up to a maximum, half of it by chance, so
// that many clients which lost one server don't come back in step. Pure; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace socketmesh::kube {

class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  // `seed`: where chance comes from. 0 < min <= max.
  Backoff(Duration min, Duration max, std::uint64_t seed) : min_(min), max_(max), state_(seed) {}

  // The pause before the next attempt; the attempt counts as one more that failed.
  Duration next() {
    const Duration pause = std::min(max_, min_ * (std::int64_t{1} << failures_));
    failures_ = std::min(failures_ + 1, kDoublingsMax);
    return pause / 2 + up_to(pause / 2);
  }

  void reset() { failures_ = 0; }
  [[nodiscard]] bool fresh() const { return failures_ == 0; }

  // A duration from 0 to `max`, evenly by chance.
  Duration up_to(Duration max) {
    return Duration(draw() % (static_cast<std::uint64_t>(max.count()) + 1));
  }

 private:
  // After so many the pause has reached any maximum; more would overflow.
  static constexpr unsigned kDoublingsMax = 20;

  // splitmix64
  std::uint64_t draw() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }

  Duration min_;
  Duration max_;
  std::uint64_t state_;
  unsigned failures_ = 0;
};

}  // namespace socketmesh::kube

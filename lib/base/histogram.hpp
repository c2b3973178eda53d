// A histogram of plain integers with fixed bounds, for the cores to count in; obs exports it.
// Not thread-safe. The bounds are a static table that outlives the histogram.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/assert.hpp"

namespace socketmesh {

class Histogram {
 public:
  // `upper_bounds`: strictly ascending, in the unit of the observations. Values above the last
  // fall into one more bucket.
  explicit Histogram(std::span<const std::uint64_t> upper_bounds)
      : upper_bounds_(upper_bounds), counts_(upper_bounds.size() + 1) {
    SM_ASSERT(std::adjacent_find(upper_bounds.begin(), upper_bounds.end(),
                                 [](auto a, auto b) { return a >= b; }) == upper_bounds.end());
  }

  void observe(std::uint64_t value, std::uint64_t times = 1) {
    const auto bucket = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
    counts_[static_cast<std::size_t>(bucket - upper_bounds_.begin())] += times;
    sum_ += value * times;
    count_ += times;
  }

  // Adds what another histogram of the same bounds counted.
  void merge(const Histogram& other) {
    SM_ASSERT(upper_bounds_.data() == other.upper_bounds_.data());
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
    count_ += other.count_;
  }

  [[nodiscard]] std::span<const std::uint64_t> upper_bounds() const { return upper_bounds_; }
  // A count for each bound (not cumulative), and one for what lies above.
  [[nodiscard]] std::span<const std::uint64_t> counts() const { return counts_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::span<const std::uint64_t> upper_bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t sum_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace socketmesh

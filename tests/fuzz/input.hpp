// Takes a fuzzer's bytes apart, from the front. Past the end everything is zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace socketmesh::fuzz {

using Bytes = std::span<const std::uint8_t>;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  bool empty() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const std::uint8_t first = left_[0];
    left_ = left_.subspan(1);
    return first;
  }
  // As many bytes as there are, at most `size`.
  Bytes bytes(std::size_t size) {
    const Bytes head = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(head.size());
    return head;
  }
  Bytes rest() { return bytes(left_.size()); }

 private:
  Bytes left_;
};

inline std::string_view text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A broken promise: ends the process, so that the fuzzer keeps the input.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace socketmesh::fuzz

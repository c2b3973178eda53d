// Cuts a stream of bytes into lines, whatever the boundaries of its chunks.
//
// A line that lies whole in one chunk is handed on without a copy. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace socketmesh::kube {

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Calls `line(std::string_view)`, without the newline, for each line that ends in `chunk`; the
  // view is valid during the call. `line` returns false to stop: the rest is dropped, and the
  // buffer is of no more use. False when stopped, or when a line is longer than the limit.
  template <typename OnLine>
  bool feed(std::string_view chunk, const OnLine& line) {
    for (;;) {
      const std::size_t end = chunk.find('\n');
      if (end == std::string_view::npos) break;
      if (end > line_bytes_max_ - kept_.size()) return false;
      if (kept_.empty()) {
        if (!line(chunk.substr(0, end))) return false;
      } else {
        kept_.append(chunk.substr(0, end));
        if (!line(std::string_view(kept_))) return false;
        release();
      }
      chunk.remove_prefix(end + 1);
    }
    if (chunk.size() > line_bytes_max_ - kept_.size()) return false;
    kept_.append(chunk);
    return true;
  }

  // Bytes of a line whose end has not come.
  [[nodiscard]] std::size_t pending() const { return kept_.size(); }
  void clear() { release(); }

 private:
  // A buffer that grew beyond this is given back.
  static constexpr std::size_t kIdleBytesMax = 16U << 10U;

  void release() {
    kept_.clear();
    if (kept_.capacity() > kIdleBytesMax) kept_.shrink_to_fit();
  }

  std::size_t line_bytes_max_;
  std::string kept_;  // at most line_bytes_max_
};

}  // namespace socketmesh::kube

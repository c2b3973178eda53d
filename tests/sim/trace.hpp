// What happened, in order: hashed (the same seed must give the same hash), the last lines kept for
// a failure's report, everything printed when verbose. A Violation ends a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/scheduler.hpp"

namespace socketmesh::sim {

// An invariant did not hold. Thrown by whoever sees it; ends the run.
class Violation : public std::runtime_error {
 public:
  Violation(const char* invariant, const std::string& detail)
      : std::runtime_error(std::string(invariant) + ": " + detail) {}
};

class Trace {
 public:
  explicit Trace(const Scheduler& clock) : clock_(clock), tail_(kTailLines) {}

  void print_all(bool on) { verbose_ = on; }
  bool verbose() const { return verbose_; }

  // `what` is a literal; the numbers mean what it says.
  void note(const char* what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);
  // A line of text, not hashed: the core's own log.
  void text(const char* who, std::uint64_t number, std::string_view line);

  TimeUs now() const { return clock_.now(); }
  std::uint64_t hash() const { return hash_; }
  std::string tail(std::size_t lines) const;

 private:
  static constexpr std::size_t kTailLines = 256;
  struct Line {
    TimeUs at = 0;
    const char* what = nullptr;
    std::uint64_t a = 0, b = 0, c = 0;
    std::string text;
  };
  static std::string format(const Line& line);
  Line& fresh(const char* what);

  const Scheduler& clock_;
  std::vector<Line> tail_;
  std::uint64_t lines_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  bool verbose_ = false;
};

}  // namespace socketmesh::sim

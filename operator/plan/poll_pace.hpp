// When to ask the sidecars of a mesh again. A mesh at rest is asked every kPollIntervalMax; one
// that changes is asked soon, then in growing intervals until it is at rest. Pure; not thread-safe.
#pragma once

#include <algorithm>

#include "operator/plan/time.hpp"

namespace socketmesh::op::plan {

inline constexpr MonoTime kPollIntervalMax = std::chrono::seconds(30);
inline constexpr MonoTime kPollIntervalMin = std::chrono::seconds(1);
// Pods change in bursts; one round for all of a burst.
inline constexpr MonoTime kPollDelay = std::chrono::milliseconds(300);

class PollPace {
 public:
  // Pods came, went or started.
  void changed(MonoTime now) {
    interval_ = kPollIntervalMin;
    due_ = std::min(due_, now + kPollDelay);
  }
  // A round begins; what changes during it makes another one due.
  void started() { due_ = MonoTime::max(); }
  // It is over. `rest`: the mesh is as it should be, and nothing waits for an answer.
  void finished(bool rest, MonoTime now) {
    due_ = std::min(due_, now + (rest ? kPollIntervalMax : interval_));
    interval_ = rest ? kPollIntervalMin : std::min(interval_ * 2, kPollIntervalMax);
  }
  // Something waits for what sidecars report: no longer than this until the next round.
  void hurry(MonoTime at_most, MonoTime now) { due_ = std::min(due_, now + at_most); }

  [[nodiscard]] MonoTime due() const { return due_; }

 private:
  MonoTime interval_ = kPollIntervalMin;
  MonoTime due_ = MonoTime::max();
};

}  // namespace socketmesh::op::plan

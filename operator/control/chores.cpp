#include "operator/control/chores.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "operator/control/clock.hpp"

namespace socketmesh::op::control {

void Chores::start() {
  thread_ = std::thread([this] { run(); });
}

void Chores::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void Chores::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Chores::run() {
  for (;;) {
    const plan::MonoTime next = run_due();
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, std::chrono::steady_clock::time_point(next),
                        [this] { return woken_ || stopping_; });
    if (stopping_) return;
    if (std::exchange(woken_, false))
      for (Entry& entry : chores_) entry.due = {};
  }
}

// Returns when the next one is due.
plan::MonoTime Chores::run_due() {
  plan::MonoTime next = plan::MonoTime(std::chrono::hours(24)) + mono_now();
  for (Entry& entry : chores_) {
    if (entry.due <= mono_now()) {
      plan::MonoTime pause = kChoreRetry;
      try {
        pause = entry.chore();
      } catch (const std::exception& failure) {
        logger_.error("chore failed", {{"error", failure.what()}});
      }
      entry.due = mono_now() + pause;
    }
    next = std::min(next, entry.due);
  }
  return next;
}

}  // namespace socketmesh::op::control

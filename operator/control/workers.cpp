#include "operator/control/workers.hpp"

#include <exception>

#include "operator/control/clock.hpp"

namespace socketmesh::op::control {

void Workers::start(const std::function<bool()>& ready) {
  for (std::size_t i = 0; i < kWorkers; ++i)
    threads_.emplace_back([this, ready] {
      if (ready()) run();
    });
}

void Workers::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::run() {
  while (const auto key = queue_.take()) work(*key);
}

void Workers::work(const std::string& key) {
  const plan::MonoTime start = mono_now();
  {
    const std::lock_guard lock(mutex_);
    ++figures_.active;
  }
  ReconcileResult result;
  try {
    result = reconcile_(key);
  } catch (const std::exception& failure) {
    result.error = failure.what();
  }
  const plan::MonoTime took = mono_now() - start;
  const Outcome outcome = !result.error.empty() ? Outcome::kError
                          : result.again        ? Outcome::kRequeueAfter
                                                : Outcome::kSuccess;
  {
    const std::lock_guard lock(mutex_);
    --figures_.active;
    ++figures_.outcomes.at(static_cast<std::size_t>(outcome));
    figures_.durations_us.observe(static_cast<std::uint64_t>(took.count()));
  }
  if (outcome == Outcome::kError) {
    logger_.warn("reconcile failed", {{"mesh", key}, {"error", result.error}});
    queue_.failed(key);
  } else {
    logger_.debug("reconciled", {{"mesh", key}, {"took_us", took.count()}});
    queue_.succeeded(key, result.again);
  }
}

Workers::Figures Workers::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace socketmesh::op::control

#include "operator/control/key_queue.hpp"

#include "operator/control/clock.hpp"

namespace socketmesh::op::control {

void KeyQueue::add(const std::string& key) {
  const std::lock_guard lock(mutex_);
  queue_.add(key, mono_now());
  changed_.notify_all();
}

void KeyQueue::add_after(const std::string& key, plan::MonoTime delay) {
  const std::lock_guard lock(mutex_);
  queue_.add_after(key, delay, mono_now());
  changed_.notify_all();
}

std::optional<std::string> KeyQueue::take() {
  std::unique_lock lock(mutex_);
  while (!down_) {
    if (auto key = queue_.take(mono_now())) return key;
    if (const auto deadline = queue_.next_deadline()) {
      changed_.wait_until(lock, std::chrono::steady_clock::time_point(*deadline));
    } else {
      changed_.wait(lock);
    }
  }
  return std::nullopt;
}

void KeyQueue::succeeded(const std::string& key, std::optional<plan::MonoTime> again) {
  const std::lock_guard lock(mutex_);
  const plan::MonoTime now = mono_now();
  queue_.forget(key);
  queue_.done(key, now);
  if (again) queue_.add_after(key, *again, now);
  changed_.notify_all();
}

void KeyQueue::failed(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const plan::MonoTime now = mono_now();
  queue_.done(key, now);
  queue_.add_rate_limited(key, now);
  changed_.notify_all();
}

void KeyQueue::shut_down() {
  const std::lock_guard lock(mutex_);
  down_ = true;
  queue_.shut_down();
  changed_.notify_all();
}

bool KeyQueue::drained(plan::MonoTime patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return queue_.idle(); });
}

KeyQueue::Snapshot KeyQueue::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {queue_.figures(mono_now()), queue_.queue_us(), queue_.work_us()};
}

plan::MonoTime KeyQueue::longest_running() const {
  const std::lock_guard lock(mutex_);
  return queue_.figures(mono_now()).longest_running;
}

}  // namespace socketmesh::op::control

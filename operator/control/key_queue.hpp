// The work queue for threads: plan::WorkQueue behind a lock, with a take() that waits.
//
// Thread-safe. After shut_down() take() returns nothing at once, and drained() waits for what is
// still being worked on.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "operator/plan/work_queue.hpp"

namespace socketmesh::op::control {

class KeyQueue {
 public:
  void add(const std::string& key);
  void add_after(const std::string& key, plan::MonoTime delay);

  // Waits for a key; nothing after shut_down(). Each key taken is given back by exactly one of the
  // next two.
  std::optional<std::string> take();
  // It worked; `again`: look once more after that.
  void succeeded(const std::string& key, std::optional<plan::MonoTime> again);
  // It did not: retried after a growing pause.
  void failed(const std::string& key);

  void shut_down();
  // Whether all that was taken came back within `patience`.
  bool drained(plan::MonoTime patience);

  struct Snapshot {
    plan::WorkQueue::Figures figures;
    Histogram queue_us{plan::kWorkBoundsUs};
    Histogram work_us{plan::kWorkBoundsUs};
  };
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] plan::MonoTime longest_running() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  plan::WorkQueue queue_;
  bool down_ = false;
};

}  // namespace socketmesh::op::control

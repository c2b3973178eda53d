// What is to be reconciled next: the work queue of client-go, as a pure machine.
//
// A key waits at most once, whatever number of events named it; a key that is added while it is
// being worked on waits until that is done. Failures are retried with growing pauses of the key's
// own, and all retries together pass a token bucket. Delayed adds keep the earliest time asked for.
// After shut_down() nothing is added or taken; what is being worked on may finish.
//
//   queue.add("default/chat", now);
//   if (auto key = queue.take(now)) { ...; queue.forget(*key); queue.done(*key, now); }
//
// Pure; not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/base/histogram.hpp"
#include "operator/plan/time.hpp"

namespace socketmesh::op::plan {

struct WorkQueueLimits {
  MonoTime backoff_min = std::chrono::milliseconds(20);
  MonoTime backoff_max = std::chrono::minutes(5);
  double retries_per_s = 10;        // over all keys
  std::uint32_t retry_burst = 100;  // that may come at once
};

// Upper bounds of the two histograms, in microseconds: 1 ms to 100 s.
inline constexpr std::array<std::uint64_t, 11> kWorkBoundsUs{
    1'000,     5'000,     10'000,     50'000,     100'000,    500'000,
    1'000'000, 5'000'000, 10'000'000, 30'000'000, 100'000'000};

class WorkQueue {
 public:
  explicit WorkQueue(WorkQueueLimits limits = {});

  void add(const std::string& key, MonoTime now);
  void add_after(const std::string& key, MonoTime delay, MonoTime now);
  // After the key's pause, which doubles with each call until forget(), and when the bucket allows.
  void add_rate_limited(const std::string& key, MonoTime now);
  // The key succeeded: its next failure starts with the shortest pause.
  void forget(const std::string& key);
  // How often add_rate_limited() was called since forget().
  [[nodiscard]] std::uint32_t failures(const std::string& key) const;

  // The key that waited longest; it counts as being worked on until done().
  std::optional<std::string> take(MonoTime now);
  void done(const std::string& key, MonoTime now);

  // When take() should be called again if it gave nothing: the earliest delayed key, if any.
  [[nodiscard]] std::optional<MonoTime> next_deadline() const;

  void shut_down();
  // Nothing is being worked on.
  [[nodiscard]] bool idle() const { return working_.empty(); }

  // The workqueue_* metrics.
  struct Figures {
    std::size_t depth = 0;
    std::uint64_t adds = 0;
    std::uint64_t retries = 0;
    MonoTime unfinished{};       // sum over keys being worked on
    MonoTime longest_running{};  // of one of them
  };
  [[nodiscard]] Figures figures(MonoTime now) const;
  [[nodiscard]] const Histogram& queue_us() const { return queue_us_; }
  [[nodiscard]] const Histogram& work_us() const { return work_us_; }

 private:
  void ripen(MonoTime now);
  MonoTime reserve_token(MonoTime now);

  WorkQueueLimits limits_;
  bool shut_down_ = false;
  std::deque<std::string> ready_;
  std::map<std::string, MonoTime> waiting_;  // in ready_, or again after done(): since when
  std::map<std::string, MonoTime> working_;  // since when
  std::map<std::string, MonoTime> delayed_;  // until when
  std::set<std::pair<MonoTime, std::string>> delayed_order_;
  std::map<std::string, std::uint32_t> failures_;
  double tokens_;
  MonoTime tokens_at_{};  // when tokens_ was true
  std::uint64_t adds_ = 0;
  std::uint64_t retries_ = 0;
  Histogram queue_us_{kWorkBoundsUs};
  Histogram work_us_{kWorkBoundsUs};
};

}  // namespace socketmesh::op::plan

// The threads that reconcile: they take keys from the queue until it is shut down.
//
// Thread-safe. Whatever a reconcile throws is an error of that key: logged, counted, tried again.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/histogram.hpp"
#include "lib/obs/log.hpp"
#include "operator/control/key_queue.hpp"
#include "operator/control/reconciler.hpp"

namespace socketmesh::op::control {

inline constexpr std::size_t kWorkers = 2;

class Workers {
 public:
  using Reconcile = std::function<ReconcileResult(const std::string& key)>;

  Workers(KeyQueue& queue, const obs::Logger& logger, Reconcile reconcile)
      : queue_(queue), logger_(logger), reconcile_(std::move(reconcile)) {}
  ~Workers() { join(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // `ready` runs first on each thread and may wait; false: the thread ends.
  void start(const std::function<bool()>& ready);
  // After the queue's shut_down().
  void join();

  // Results as controller-runtime names them.
  enum class Outcome : std::uint8_t { kSuccess, kRequeueAfter, kError };
  static constexpr std::array<const char*, 3> kOutcomes{"success", "requeue_after", "error"};
  struct Figures {
    std::array<std::uint64_t, kOutcomes.size()> outcomes{};
    Histogram durations_us{plan::kWorkBoundsUs};
    std::size_t active = 0;
  };
  [[nodiscard]] Figures figures() const;

 private:
  void run();
  void work(const std::string& key);

  KeyQueue& queue_;
  const obs::Logger& logger_;
  const Reconcile reconcile_;
  mutable std::mutex mutex_;
  Figures figures_;
  std::vector<std::thread> threads_;
};

}  // namespace socketmesh::op::control

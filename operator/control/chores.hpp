// Things to be done again and again that may block, on one thread of their own.
//
// A chore says how long until it wants to run next; wake() makes all run now. Add chores before
// start(). Whatever a chore throws is logged, and it is tried again after kChoreRetry.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "lib/obs/log.hpp"
#include "operator/plan/time.hpp"

namespace socketmesh::op::control {

inline constexpr plan::MonoTime kChoreRetry = std::chrono::seconds(10);

class Chores {
 public:
  using Chore = std::function<plan::MonoTime()>;

  explicit Chores(const obs::Logger& logger) : logger_(logger) {}
  ~Chores() { stop(); }
  Chores(const Chores&) = delete;
  Chores& operator=(const Chores&) = delete;

  void add(Chore chore) { chores_.push_back({std::move(chore), {}}); }
  void start();
  // Runs every chore as soon as may be.
  void wake();
  // Waits for the chore that is running. Not from a chore.
  void stop();

 private:
  struct Entry {
    Chore chore;
    plan::MonoTime due{};
  };

  void run();
  plan::MonoTime run_due();

  const obs::Logger& logger_;
  std::vector<Entry> chores_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace socketmesh::op::control

// Holds the Lease while it can: the thread around plan::Election.
//
// Thread-safe. The callbacks run on its thread, each at most once and in this order: `leads` when
// this replica becomes the leader, `lost` when it no longer is, without having given it up. It must
// not act after `lost`; leading() says so from the moment on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "lib/obs/log.hpp"
#include "operator/kube/client.hpp"
#include "operator/plan/election.hpp"

namespace socketmesh::op::control {

inline constexpr char kLeaseName[] = "socketmesh-operator";

class Leadership {
 public:
  struct Callbacks {
    std::function<void()> leads;
    std::function<void()> lost;
  };

  // The client is for this only: its timeout is part of the election's safety, and must be below
  // the time between two tries. Client and logger outlive this.
  Leadership(kube::Client& client, const obs::Logger& logger, std::string ns,
             plan::ElectionOptions options, Callbacks callbacks);
  ~Leadership() { stop(); }
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

  void start();
  // Gives the lease back, if it is held, so that another replica leads at once. Idempotent; not
  // from a callback.
  void stop();

  // May this replica act now?
  [[nodiscard]] bool leading() const;
  // Since the thread last moved: it hangs when this grows beyond its client's timeout.
  [[nodiscard]] plan::MonoTime idle() const;

 private:
  void run();
  void look();
  void write(const plan::Lease& lease);
  void release();
  void note(plan::MonoTime now);

  kube::Client& client_;
  const obs::Logger& logger_;
  const kube::ObjectRef ref_;
  const Callbacks callbacks_;
  plan::Election election_;  // of the thread

  std::atomic<std::int64_t> leading_until_us_{0};
  std::atomic<std::int64_t> moved_us_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace socketmesh::op::control

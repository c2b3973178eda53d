// Asks the sidecars of every mesh for their status, in rounds, and keeps what they said.
//
// A reconcile says whom to ask; tick() starts the rounds that are due
// (operator/plan/poll_pace.hpp). When a round has changed what is known, the listener gets the
// mesh's key. One round of a mesh at a time; how many sidecars are asked at once is the poller's
// limit.
//
// Thread-safe. The listener runs on threads of the poller and must be quick. Close the poller
// before this goes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/kube/status_poller.hpp"
#include "operator/plan/convergence.hpp"
#include "operator/plan/poll_pace.hpp"

namespace socketmesh::op::control {

struct PollTarget {
  std::string uid;
  std::string name;
  std::string address;
  bool started = false;  // the others are listed, and not asked
  bool ready = false;    // a change is a reason to ask: apps attach

  bool operator==(const PollTarget&) const = default;
};

class SidecarPolls {
 public:
  using Listener = std::function<void(const std::string& key)>;

  SidecarPolls(kube::StatusPoller& poller, Listener listener)
      : poller_(poller), listener_(std::move(listener)) {}

  // Whom to ask from now on. Without credentials nobody is asked. `expected`: how many sidecars
  // there should be; `hurry`: somebody waits for what they report.
  void set(const std::string& key, std::vector<PollTarget> targets,
           std::shared_ptr<const kube::MeshCredentials> credentials, std::int32_t expected,
           bool hurry);
  void remove(const std::string& key);

  // What is known of the targets, in their order.
  [[nodiscard]] std::vector<plan::SidecarPod> view(const std::string& key) const;

  // Starts what is due. Call it often; cheap when nothing is.
  void tick(plan::MonoTime now);

  struct Stats {
    std::uint64_t polls = 0;
    std::uint64_t failures = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Mesh {
    std::vector<PollTarget> targets;
    std::shared_ptr<const kube::MeshCredentials> credentials;
    std::int32_t expected = 0;
    bool hurry = false;
    plan::PollPace pace;
    std::size_t running = 0;  // answers that are missing in this round
    std::uint64_t round = 0;
    bool news = false;                                // in this round
    std::map<std::string, plan::SidecarPod> answers;  // by uid
  };

  void start_round(const std::string& key, Mesh& mesh);
  void answered(const std::string& key, std::uint64_t round, const PollTarget& target,
                const kube::StatusPoller::Result& result);
  static std::vector<plan::SidecarPod> pods_of(const Mesh& mesh);

  kube::StatusPoller& poller_;
  const Listener listener_;
  mutable std::mutex mutex_;
  std::map<std::string, Mesh> meshes_;
  std::uint64_t rounds_ = 0;
  Stats stats_;
};

}  // namespace socketmesh::op::control

// Brings one mesh a step nearer to its spec: the only place that decides in which order things are
// done. Level-driven: it looks at what is there, never at what happened.
//
//   certificates -> plan -> objects -> Events -> status
//
// An object that is refused, a Secret that is somebody else's, or a sidecar that is silent never
// keeps the rest from being done; all of it shows in the status. A reconcile that finds everything
// in order sends nothing.
//
// reconcile() may run for several meshes at once, never twice for one (the work queue sees to it).
// The rest is thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "lib/obs/log.hpp"
#include "operator/control/certificates.hpp"
#include "operator/control/events.hpp"
#include "operator/control/object_sync.hpp"
#include "operator/control/sidecar_polls.hpp"
#include "operator/control/store.hpp"
#include "operator/plan/settings.hpp"

namespace socketmesh::op::control {

// A reconcile sends nothing after it; a call that is under way then ends by its own timeout.
inline constexpr plan::MonoTime kReconcileDeadline = std::chrono::seconds(60);
// Between two writes of one status.
inline constexpr plan::MonoTime kStatusInterval = std::chrono::seconds(5);

// Everything it works with; all of it outlives the reconciler.
struct ReconcilerParts {
  kube::Client& client;
  Store& store;
  SidecarPolls& polls;
  Events& events;
  const obs::Logger& logger;
  std::function<bool()> may_act;           // this replica leads
  std::function<bool()> has_pod_monitors;  // the CRD is there
};

struct ReconcileResult {
  std::string error;                    // empty: it worked
  std::optional<plan::MonoTime> again;  // look once more after this
};

class Reconciler {
 public:
  Reconciler(ReconcilerParts parts, plan::Settings settings);

  ReconcileResult reconcile(const std::string& key);

  // The next reconcile of every mesh reads its Secrets anew.
  void resync() { ++resyncs_; }

  // When certificates end, for metrics: leaf and root, in unix seconds.
  struct Expiry {
    std::int64_t leaf = 0;
    std::int64_t root = 0;
  };
  [[nodiscard]] std::map<std::string, Expiry> expiries() const;

 private:
  struct Mesh;  // what is remembered of one
  struct Run;   // one reconcile

  std::shared_ptr<Mesh> remember(const std::string& key);
  void forget(const std::string& key);

  void reject(Run& run);
  void keep_certificates(Run& run);
  void keep_polls(Run& run);
  void keep_objects(Run& run);
  void observe(Run& run);
  void tell(Run& run);
  void tell_bare_pods(Api& api, const std::string& key, const std::vector<PodRecord>& pods,
                      std::set<std::string>& told);
  void write_status(Run& run, const api::Status& status);

  ReconcilerParts parts_;
  const plan::Settings settings_;
  std::atomic<std::uint64_t> resyncs_{1};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Mesh>> meshes_;
  std::map<std::string, Expiry> expiries_;
};

}  // namespace socketmesh::op::control

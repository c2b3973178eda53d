// The watches: which kinds are followed, how much of them is kept, and that they live.
//
// SocketMeshes and pods are watched by every replica that needs them for the webhook; what a mesh
// owns only by the leader, as metadata (Deployments with their status). Secrets are never listed
// or watched. In a list of namespaces, each gets its own watches.
//
// Thread-safe. The store and the logger outlive it; after stop() no watch writes to the store.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/obs/log.hpp"
#include "operator/control/store.hpp"
#include "operator/kube/watch.hpp"

namespace socketmesh::op::control {

// A watch that says that all is well, and has not heard from the server for so long, hangs: the
// server sends a bookmark a minute, and ends each watch after five.
inline constexpr std::chrono::milliseconds kWatchHangs = std::chrono::minutes(10);

class Informers {
 public:
  // `namespaces`: empty for all.
  Informers(std::shared_ptr<const kube::Access> access, const obs::Logger& logger, Store& store,
            std::vector<std::string> namespaces);
  ~Informers() { stop(); }
  Informers(const Informers&) = delete;
  Informers& operator=(const Informers&) = delete;

  // SocketMeshes: what the webhook needs.
  void start_meshes();
  // The rest, for the leader. Without effect the second time.
  void start_owned();
  // PodMonitors, once their CRD is there. Without effect the second time.
  void start_pod_monitors();
  [[nodiscard]] bool has_pod_monitors() const;
  void stop();

  [[nodiscard]] bool meshes_listed() const;
  // Everything that was started was listed.
  [[nodiscard]] bool all_listed() const;
  // Kinds of watches that hang; empty when all is well.
  [[nodiscard]] std::vector<std::string> hanging() const;

  struct Figures {
    std::string resource;  // "pods"; over all namespaces
    bool troubled = false;
    std::chrono::milliseconds staleness{0};  // of the worst
    std::uint64_t events = 0;
    std::uint64_t relists = 0;
    std::uint64_t failures = 0;
  };
  [[nodiscard]] std::vector<Figures> figures() const;

 private:
  struct Kept {
    kube::Resource resource;
    std::unique_ptr<kube::Watch> watch;
  };

  void add(const kube::WatchOptions& options,
           kube::WatchHandlers (Informers::*handlers)(const std::string& scope, kube::Resource));
  kube::WatchHandlers mesh_handlers(const std::string& scope, kube::Resource resource);
  kube::WatchHandlers owned_handlers(const std::string& scope, kube::Resource resource);
  kube::WatchHandlers pod_handlers(const std::string& scope, kube::Resource resource);
  void watch_owned(const kube::Resource& resource);

  const std::shared_ptr<const kube::Access> access_;
  const obs::Logger& logger_;
  Store& store_;
  const std::vector<std::string> scopes_;
  mutable std::mutex mutex_;
  std::vector<Kept> watches_;
  bool owned_started_ = false;
  bool pod_monitors_started_ = false;
};

}  // namespace socketmesh::op::control

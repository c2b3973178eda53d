// Keeps a consumer in step with one collection of the API server: the shell of kube::ListWatch
// over cpprestsdk.
//
//   WatchOptions options{.resource = kPods, .label_selector = "socketmesh.io/mesh"};
//   Watch pods(access, logger, options, {.replace = ..., .upsert = ..., .remove = ...});
//   pods.start();
//
// Lists once (`replace`), then tells each change (`upsert`, `remove`), and lists again whenever the
// server has forgotten where it was. While the server is away nothing is called: what the consumer
// has is the last known state.
//
// Threading: handlers run on cpprestsdk's threads, one at a time for one Watch, in order; different
// Watches run side by side. They must be quick and never block or call a Client: hand over and
// return. Until a handler returns no more bytes are read, so a slow one holds its own watch back
// and nothing piles up. Methods may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/kube/list_watch.hpp"
#include "lib/obs/log.hpp"
#include "operator/kube/access.hpp"
#include "operator/kube/resource.hpp"

namespace socketmesh::op::kube {

struct WatchOptions {
  Resource resource = kSocketMeshes;
  std::string ns{};  // empty: all namespaces
  std::string label_selector{};
  std::string field_selector{};
  bool metadata_only = false;  // objects are PartialObjectMetadata
  std::uint32_t page_size = 500;
  socketmesh::kube::ListWatchLimits limits{};
  socketmesh::kube::ListWatchTimes times{};
  // Called on each object as soon as it is decoded, to drop what need not be kept.
  std::function<void(nlohmann::json&)> trim{};
  std::string user_agent = "socketmesh-operator/" SOCKETMESH_VERSION;
};

struct WatchHandlers {
  // The whole collection, in place of all that was told before.
  std::function<void(std::vector<nlohmann::json> objects)> replace{};
  // New or changed.
  std::function<void(nlohmann::json object)> upsert{};
  // Gone; as it was last.
  std::function<void(nlohmann::json object)> remove{};
};

struct WatchState {
  bool listed = false;                     // `replace` was called at least once
  bool troubled = false;                   // listing or watching fails at present
  std::chrono::milliseconds staleness{0};  // since the server was last heard of
  socketmesh::kube::ListWatchStats stats;
};

class Watch {
 public:
  // The logger outlives the Watch. Trouble and its end are logged once each.
  Watch(std::shared_ptr<const Access> access, const obs::Logger& logger,
        const WatchOptions& options, WatchHandlers handlers);
  ~Watch();  // as stop()
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void start();
  // Ends for good. When it returns no handler runs, and none will. Not from a handler.
  void stop();

  [[nodiscard]] WatchState state() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::op::kube

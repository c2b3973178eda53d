// What is counted of a watch of endpoints, for /metrics and /status. Values.
#pragma once

#include <chrono>
#include <cstddef>

#include "lib/kube/list_watch.hpp"

namespace socketmesh::shell {

struct WatchFigures {
  std::chrono::milliseconds staleness{0};  // since the API server last spoke
  bool troubled = false;                   // it cannot be listed or watched now
  std::size_t addresses = 0;               // that were handed on last
  kube::ListWatchStats stats;
};

}  // namespace socketmesh::shell

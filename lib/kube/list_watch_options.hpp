// What a ListWatch follows, how patiently, and within which limits. Values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "lib/kube/target.hpp"

namespace socketmesh::kube {

// A moment: time since any fixed one, by a clock that does not jump. Also used for durations.
using Time = std::chrono::milliseconds;

inline constexpr Time kNever = Time::max();

struct ListWatchLimits {
  std::size_t page_bytes_max = 8U << 20U;     // one page of a list, as JSON text
  std::size_t event_bytes_max = 2U << 20U;    // one watch event; etcd takes objects of 1.5 MiB
  std::size_t objects_max = 100'000;          // of one list
  std::size_t pages_max = 1'000;              // of one list
  std::size_t refusal_bytes_max = 8U << 10U;  // of a body that says why not; the rest is not read
};

struct ListWatchTimes {
  Time response_timeout{15'000};    // from a request to its status
  Time page_timeout{60'000};        // from a list's request to the end of its page
  std::chrono::seconds watch{290};  // timeoutSeconds, up to a tenth less (jitter)
  Time watch_margin{15'000};        // a watch that outlives its timeoutSeconds by this hangs
  Time settle{5'000};               // a watch open for this long means that all is well
  Time backoff_min{500};
  Time backoff_max{30'000};
  Time retry_after_max{120'000};  // of what the server's Retry-After may ask
};

struct ListWatchOptions {
  Collection collection;
  std::uint32_t page_size = 500;
  ListWatchLimits limits;
  ListWatchTimes times;
  // Called on each object as soon as it is decoded, to drop what the consumer does not want to
  // keep in memory; must leave metadata.resourceVersion of watch events alone. May be empty.
  std::function<void(nlohmann::json&)> trim;
};

}  // namespace socketmesh::kube

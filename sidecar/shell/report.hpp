// One picture of a running sidecar: what /status, /metrics and the dashboard are made from. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "lib/base/histogram.hpp"
#include "lib/net/admin_server.hpp"
#include "sidecar/core/node/counters.hpp"
#include "sidecar/core/node/status.hpp"
#include "sidecar/shell/discovery/watch_figures.hpp"
#include "sidecar/shell/dropin/dropin_driver.hpp"
#include "sidecar/shell/node_driver.hpp"
#include "sidecar/shell/process_figures.hpp"

namespace socketmesh::shell {

// Upper bounds of the round-trip histograms, microseconds.
inline constexpr std::uint64_t kRoundTripBoundsUs[] = {
    50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000};

// Round trips, sampled as often as the node measures them.
struct RoundTrips {
  Histogram links{kRoundTripBoundsUs};
  Histogram members{kRoundTripBoundsUs};  // the app's event loop included

  void sample(const node::Status& status);
};

// The certificates in use.
struct TlsReport {
  std::string bundle_sha256;  // of the bytes of tls.ca, lower-case hexadecimal
  std::int64_t leaf_not_after_s = 0;
  std::uint64_t reloads = 0;
  std::uint64_t reloads_refused = 0;
  std::string problem;  // why the files are not what is in use; empty when they are
};

struct Report {
  node::Status status;
  node::Counters counters;
  DriverStats driver;
  net::AdminStats admin;
  ProcessFigures process;
  bool ready = false;
  std::optional<TlsReport> tls;  // without: plain links
  std::optional<DropInReport> dropin;
  std::optional<WatchFigures> watch;  // with discovery by Kubernetes
};

}  // namespace socketmesh::shell

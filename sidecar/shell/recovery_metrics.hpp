// Metrics of connection state recovery, of a sidecar that has it on.
#pragma once

#include "lib/obs/metrics.hpp"
#include "sidecar/core/node/counters.hpp"
#include "sidecar/core/node/status.hpp"

namespace socketmesh::shell {

void add_recovery(obs::MetricSet& metrics, const node::RecoveryStatus& status,
                  const node::Counters& counters);

}  // namespace socketmesh::shell

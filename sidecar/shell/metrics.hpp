// GET /metrics: the report in Prometheus' text form, names socketmesh_* and process_*.
//
// No label grows with sockets, rooms, members or peers: what is counted for each of them is summed
// here, or its largest value taken.
#pragma once

#include "lib/obs/metrics.hpp"
#include "sidecar/shell/report.hpp"

namespace socketmesh::shell {

obs::MetricSet make_metrics(const Report& report, const RoundTrips& round_trips);

}  // namespace socketmesh::shell

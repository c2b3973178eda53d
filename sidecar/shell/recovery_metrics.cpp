#include "sidecar/shell/recovery_metrics.hpp"

namespace socketmesh::shell {

namespace {
constexpr double kMicrosecondsPerSecond = 1e6;
}  // namespace

void add_recovery(obs::MetricSet& m, const node::RecoveryStatus& status,
                  const node::Counters& counters) {
  const auto* sessions = "Sessions kept for clients, by whether they are connected.";
  m.gauge("socketmesh_recovery_sessions", sessions,
          static_cast<double>(status.sessions - status.away), {{"state", "connected"}});
  m.gauge("socketmesh_recovery_sessions", sessions, static_cast<double>(status.away),
          {{"state", "away"}});
  m.gauge("socketmesh_recovery_homes_without_member", "Logs kept for servers that are gone.",
          static_cast<double>(status.orphans));
  m.gauge("socketmesh_recovery_log_bytes", "Memory of the logs.",
          static_cast<double>(status.log_bytes));
  m.gauge("socketmesh_recovery_log_age_seconds", "Age of the oldest message in them.",
          static_cast<double>(status.log_age_us) / kMicrosecondsPerSecond);
  m.counter("socketmesh_recovery_recovered_total", "Sessions restored to a member here.",
            static_cast<double>(counters.sessions_recovered));
  m.counter("socketmesh_recovery_replayed_total", "Messages replayed to them.",
            static_cast<double>(counters.messages_replayed));
  for (std::size_t i = 1; i < wire::recovery::kResults; ++i) {
    if (i == static_cast<std::size_t>(wire::recovery::Result::kAgain)) continue;
    m.counter("socketmesh_recovery_refused_total",
              "Sessions that a member here asked for and did not get, by reason.",
              static_cast<double>(counters.sessions_refused.at(i)),
              {{"reason", wire::recovery::kResultNames.at(i)}});
  }
}

}  // namespace socketmesh::shell

#include "sidecar/shell/recovery_metrics.hpp"

namespace socketmesh::shell {

namespace {

constexpr double kMicrosecondsPerSecond = 1e6;

// What recovery.replicas brings.
void add_copies(obs::MetricSet& m, const node::RecoveryStatus& status,
                const node::Counters& counters) {
  const auto* copies =
      "Copies, at peers, of the logs and sessions here: whole ones, those that are catching up or "
      "whose link is away, and those given up for a moment because the peer takes too little.";
  m.gauge("socketmesh_recovery_copies", copies, status.copies_whole, {{"state", "whole"}});
  m.gauge("socketmesh_recovery_copies", copies, status.copies_catching_up,
          {{"state", "catching_up"}});
  m.gauge("socketmesh_recovery_copies", copies, status.copies_shed, {{"state", "shed"}});
  m.histogram("socketmesh_recovery_copy_lag_seconds",
              "From a change here until a peer's word that its copy has it; sampled each 10 ms.",
              counters.copy_lag, kMicrosecondsPerSecond);
  m.counter("socketmesh_recovery_copied_bytes_total", "Bytes told to copies at peers.",
            counters.copied_bytes);
  m.counter("socketmesh_recovery_copies_shed_total",
            "Copies given up for a moment because the peer took too little.", counters.copies_shed);
  m.gauge("socketmesh_recovery_held_homes", "Copies kept here of peers' logs and sessions.",
          status.held_homes);
  m.gauge("socketmesh_recovery_held_sessions", "Sessions in them.", status.held_sessions);
  m.gauge("socketmesh_recovery_held_bytes", "Memory of them.", status.held_bytes);
  for (std::size_t i = 0; i < counters.takeovers.size(); ++i) {
    m.counter(
        "socketmesh_recovery_takeovers_total",
        "Copies here that took over from a lost sidecar: whole, or with a gap; void, alive and "
        "timeout were given up, perhaps afterwards.",
        counters.takeovers.at(i), {{"result", node::kTakeoverResultNames.at(i)}});
  }
}

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
  if (status.replicas > 0) add_copies(m, status, counters);
}

}  // namespace socketmesh::shell

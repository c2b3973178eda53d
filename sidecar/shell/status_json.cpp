#include "sidecar/shell/status_json.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

namespace socketmesh::shell {
namespace {

using Json = nlohmann::ordered_json;

Json member_json(const node::MemberStatus& member) {
  Json json = {{"id", member.id},
               {"name", member.name},
               {"sidecar", member.sidecar},
               {"parser", member.parser},
               {"local", member.local},
               {"up", member.up},
               {"namespaces", member.namespaces}};
  if (!member.local) return json;
  json["rooms"] = member.rooms;
  json["messages_in"] = member.messages_in;
  json["messages_out"] = member.messages_out;
  json["queue_bytes"] = member.queue_bytes;
  json["untaken"] = member.untaken;
  json["round_trip_us"] = member.round_trip_us;
  return json;
}

Json link_json(const node::LinkStatus& link) {
  return {{"peer", link.peer},
          {"address", link.address},
          {"state", link.state},
          {"dialed", link.dialed},
          {"peer_epoch", link.peer_epoch},
          {"round_trip_us", link.round_trip_us},
          {"since_us", link.since_us},
          {"members", link.members},
          {"interest", link.interest},
          {"messages_out", link.messages_out},
          {"messages_in", link.messages_in},
          {"bytes_out", link.bytes_out},
          {"bytes_in", link.bytes_in},
          {"window_bytes", link.window_bytes},
          {"backlog_bytes", link.backlog_bytes},
          {"retransmits", link.retransmits},
          {"reconnects", link.reconnects},
          {"dropped", link.dropped}};
}

Json address_json(const node::AddressStatus& address) {
  return {{"address", address.address},
          {"state", address.state},
          {"peer", address.peer},
          {"last_error", address.last_error}};
}

Json namespace_json(const node::NamespaceStatus& nsp) {
  return {{"name", nsp.name}, {"members", nsp.members}};
}

Json dropin_json(const std::optional<DropInReport>& dropin) {
  if (!dropin) return nullptr;
  Json servers = Json::array();
  for (const dropin::ServerStatus& server : dropin->status.servers) {
    servers.push_back({{"id", server.id},
                       {"version", static_cast<int>(server.version)},
                       {"sidecar", server.sidecar},
                       {"address", server.address},
                       {"attached", server.attached}});
  }
  Json tunnels = Json::array();
  for (const dropin::TunnelStatus& tunnel : dropin->status.tunnels) {
    tunnels.push_back({{"number", tunnel.number},
                       {"server", tunnel.server},
                       {"peer", tunnel.peer},
                       {"opened_here", tunnel.opened_here},
                       {"open", tunnel.open},
                       {"waiting_bytes", tunnel.waiting_bytes}});
  }
  return {{"mode", dropin->status.carries ? "carry" : "direct"},
          {"whole", dropin->status.whole},
          {"restart_needed", dropin->status.restart_needed},
          {"messages_in", dropin->counters.messages_in},
          {"messages_out", dropin->counters.messages_out},
          {"bytes_in", dropin->counters.bytes_in},
          {"bytes_out", dropin->counters.bytes_out},
          {"servers", servers},
          {"tunnels", tunnels}};
}

Json tls_json(const std::optional<TlsReport>& tls) {
  if (!tls) return nullptr;
  return {{"bundle_sha256", tls->bundle_sha256},
          {"leaf_not_after", tls->leaf_not_after_s},
          {"reloads", tls->reloads},
          {"reloads_refused", tls->reloads_refused},
          {"problem", tls->problem}};
}

template <std::size_t N>
Json by_reason(const std::array<std::uint64_t, N>& counts, const std::array<const char*, N>& names,
               std::size_t first) {
  Json json = Json::object();
  for (std::size_t i = first; i < N; ++i) json[names.at(i)] = counts.at(i);
  return json;
}

// By the upper bound of a bucket, microseconds; not cumulative.
Json buckets(const Histogram& histogram) {
  Json json = Json::object();
  for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
    const auto bounds = histogram.upper_bounds();
    json[i < bounds.size() ? std::to_string(bounds[i]) : "more"] = histogram.counts()[i];
  }
  return json;
}

Json counters_json(const node::Counters& c) {
  return {{"app_messages_in", c.app_messages_in},
          {"app_bytes_in", c.app_bytes_in},
          {"app_messages_out", c.app_messages_out},
          {"app_bytes_out", c.app_bytes_out},
          {"attachments", c.attachments},
          {"requests_routed", c.requests_routed},
          {"syncs", c.syncs},
          {"syncs_incomplete", c.syncs_incomplete},
          {"link_messages_out", c.link_messages_out},
          {"link_bytes_out", c.link_bytes_out},
          {"link_messages_in", c.link_messages_in},
          {"link_bytes_in", c.link_bytes_in},
          {"link_records_out", c.link_records_out},
          {"link_duplicates", c.link_duplicates},
          {"link_retransmits", c.link_retransmits},
          {"links_opened", c.links_opened},
          {"links_lost", c.links_lost},
          {"dials", c.dials},
          {"dials_failed", c.dials_failed},
          {"window_forgotten", c.window_forgotten},
          {"messages_unrouted", c.messages_unrouted},
          {"fanout", c.fanout},
          {"interest_changes", c.interest_changes},
          {"gaps_declared", c.gaps_declared},
          {"provisional_joins", c.provisional_joins},
          {"cuts", by_reason(c.cuts, node::kCutReasonNames, 1)},  // 0 is "none"
          {"drops", by_reason(c.drops, node::kDropReasonNames, 0)},
          {"sessions_recovered", c.sessions_recovered},
          {"messages_replayed", c.messages_replayed},
          {"sessions_refused", by_reason(c.sessions_refused, wire::recovery::kResultNames, 1)},
          {"copied_bytes", c.copied_bytes},
          {"copies_shed", c.copies_shed},
          {"copy_lag_us", buckets(c.copy_lag)},
          {"takeovers", by_reason(c.takeovers, node::kTakeoverResultNames, 0)}};
}

// Null where it is off.
Json recovery_json(const std::optional<node::RecoveryStatus>& recovery) {
  if (!recovery) return nullptr;
  return {{"sessions", recovery->sessions},
          {"away", recovery->away},
          {"homes", recovery->homes},
          {"homes_without_member", recovery->orphans},
          {"log_bytes", recovery->log_bytes},
          {"log_age_us", recovery->log_age_us},
          {"replicas", recovery->replicas},
          {"copies_whole", recovery->copies_whole},
          {"copies_catching_up", recovery->copies_catching_up},
          {"copies_shed", recovery->copies_shed},
          {"held_homes", recovery->held_homes},
          {"held_sessions", recovery->held_sessions},
          {"held_bytes", recovery->held_bytes}};
}

// Null without a watch.
Json watch_json(const std::optional<WatchFigures>& watch) {
  if (!watch) return nullptr;
  Json failures = Json::object();
  for (std::size_t i = 0; i < kube::kFailureKinds; ++i) {
    failures[std::string(to_string(static_cast<kube::FailureKind>(i)))] =
        watch->stats.failures.at(i);
  }
  return {{"staleness_ms", watch->staleness.count()},
          {"troubled", watch->troubled},
          {"addresses", watch->addresses},
          {"lists", watch->stats.lists},
          {"relists", watch->stats.relists},
          {"watches", watch->stats.watches},
          {"events", watch->stats.events},
          {"failures", std::move(failures)}};
}

template <typename T>
Json list(const std::vector<T>& values, Json (*convert)(const T&)) {
  Json json = Json::array();
  for (const T& value : values) json.push_back(convert(value));
  return json;
}

}  // namespace

std::string status_json(const Report& report) {
  const node::Status& status = report.status;
  const Json json = {{"version", SOCKETMESH_VERSION},
                     {"mesh", status.mesh},
                     {"sidecar_id", status.sidecar_id},
                     {"epoch", status.epoch},
                     {"uptime_us", status.uptime_us},
                     {"ready", report.ready},
                     {"leaving", status.leaving},
                     {"tls", tls_json(report.tls)},
                     {"dropin", dropin_json(report.dropin)},
                     {"recovery", recovery_json(status.recovery)},
                     {"addresses_known", status.addresses_known},
                     {"endpoint_watch", watch_json(report.watch)},
                     {"interest_local", status.interest_local},
                     {"interest_remote", status.interest_remote},
                     {"members", list(status.members, member_json)},
                     {"links", list(status.links, link_json)},
                     {"addresses", list(status.addresses, address_json)},
                     {"namespaces", list(status.namespaces, namespace_json)},
                     {"counters", counters_json(report.counters)},
                     {"process",
                      {{"pid", report.process.pid},
                       {"resident_bytes", report.process.resident_bytes},
                       {"cpu_seconds", report.process.cpu_seconds},
                       {"open_files", report.process.open_files}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace socketmesh::shell

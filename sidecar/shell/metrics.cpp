#include "sidecar/shell/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>

#include "sidecar/shell/recovery_metrics.hpp"

namespace socketmesh::shell {
namespace {

using obs::MetricSet;

constexpr double kMicrosecondsPerSecond = 1e6;

void add_app_counters(MetricSet& m, const node::Counters& c) {
  const auto* messages = "Messages published by (in) and queued for (out) attached members.";
  m.counter("socketmesh_app_messages_total", messages, c.app_messages_in, {{"direction", "in"}});
  m.counter("socketmesh_app_messages_total", messages, c.app_messages_out, {{"direction", "out"}});
  const auto* bytes = "Bytes of messages published by (in) and queued for (out) attached members.";
  m.counter("socketmesh_app_bytes_total", bytes, c.app_bytes_in, {{"direction", "in"}});
  m.counter("socketmesh_app_bytes_total", bytes, c.app_bytes_out, {{"direction", "out"}});
  m.counter("socketmesh_app_attachments_total", "Members that attached.", c.attachments);
  m.counter("socketmesh_requests_routed_total", "Requests whose addressed members were told.",
            c.requests_routed);
  m.counter("socketmesh_syncs_total", "Awaited joins.", c.syncs);
  m.counter("socketmesh_syncs_incomplete_total",
            "Awaited joins that some peer did not acknowledge in time.", c.syncs_incomplete);
}

void add_link_counters(MetricSet& m, const node::Counters& c) {
  const auto* messages = "Messages sent to (out) and received from (in) peers.";
  m.counter("socketmesh_link_messages_total", messages, c.link_messages_in, {{"direction", "in"}});
  m.counter("socketmesh_link_messages_total", messages, c.link_messages_out,
            {{"direction", "out"}});
  const auto* bytes = "Bytes written to (out) and read from (in) link connections.";
  m.counter("socketmesh_link_bytes_total", bytes, c.link_bytes_in, {{"direction", "in"}});
  m.counter("socketmesh_link_bytes_total", bytes, c.link_bytes_out, {{"direction", "out"}});
  m.counter("socketmesh_link_records_total",
            "Records written to links; messages out by records is the batch size.",
            c.link_records_out);
  m.counter("socketmesh_link_duplicates_total", "Messages received again, and dropped.",
            c.link_duplicates);
  m.counter("socketmesh_link_retransmits_total", "Messages written again after a reconnect.",
            c.link_retransmits);
  m.counter("socketmesh_links_opened_total", "Link handshakes that finished.", c.links_opened);
  m.counter("socketmesh_links_lost_total", "Links that ended.", c.links_lost);
  m.counter("socketmesh_dials_total", "Connections to peers that were tried.", c.dials);
  m.counter("socketmesh_dials_failed_total", "Connections to peers that failed.", c.dials_failed);
  m.counter("socketmesh_window_forgotten_total",
            "Messages freed before they were taken; lost only if that peer is killed.",
            c.window_forgotten);
}

void add_routing_counters(MetricSet& m, const node::Counters& c) {
  m.counter("socketmesh_messages_unrouted_total", "Publishes that nobody was interested in.",
            c.messages_unrouted);
  m.counter("socketmesh_fanout_total", "Destinations, summed over all publishes.", c.fanout);
  m.counter("socketmesh_interest_changes_total", "Rooms added and removed by members and peers.",
            c.interest_changes);
  m.counter("socketmesh_gaps_declared_total", "Gaps that members were told of.", c.gaps_declared);
  m.counter("socketmesh_provisional_joins_total", "Rooms that socketsJoin() made provisional.",
            c.provisional_joins);
  for (std::size_t i = 1; i < c.cuts.size(); ++i) {  // 0 is "none"
    m.counter("socketmesh_connections_cut_total", "Connections cut or refused.", c.cuts.at(i),
              {{"reason", node::kCutReasonNames.at(i)}});
  }
  for (std::size_t i = 0; i < c.drops.size(); ++i) {
    m.counter("socketmesh_messages_dropped_total", "Messages that did not reach a destination.",
              c.drops.at(i), {{"reason", node::kDropReasonNames.at(i)}});
  }
}

void add_members(MetricSet& m, const node::Status& status) {
  std::uint64_t local = 0;
  std::uint64_t remote = 0;
  std::uint64_t awaited = 0;
  std::uint64_t rooms = 0;
  std::uint64_t queue = 0;
  std::uint64_t queue_max = 0;
  std::uint64_t untaken = 0;
  std::int64_t round_trip_max = 0;
  for (const node::MemberStatus& member : status.members) {
    if (!member.up) {
      ++awaited;
      continue;
    }
    ++(member.local ? local : remote);
    rooms += member.rooms;
    queue += member.queue_bytes;
    queue_max = std::max(queue_max, member.queue_bytes);
    untaken += member.untaken;
    round_trip_max = std::max(round_trip_max, member.round_trip_us);
  }
  m.gauge("socketmesh_members", "Members that are up.", local, {{"locality", "local"}});
  m.gauge("socketmesh_members", "Members that are up.", remote, {{"locality", "remote"}});
  m.gauge("socketmesh_members_awaited", "Members whose sidecar is away and may return.", awaited);
  m.gauge("socketmesh_member_rooms", "Rooms with a local socket, summed over attached members.",
          rooms);
  m.gauge("socketmesh_member_queue_bytes", "Waiting to be written to attached members.", queue);
  m.gauge("socketmesh_member_queue_max_bytes", "The longest queue of an attached member.",
          queue_max);
  m.gauge("socketmesh_member_untaken_messages", "Written to attached members, not taken yet.",
          untaken);
  m.gauge("socketmesh_member_round_trip_max_seconds",
          "The slowest round trip to an attached member, its event loop included.",
          static_cast<double>(round_trip_max) / kMicrosecondsPerSecond);
}

void add_links(MetricSet& m, const node::Status& status) {
  std::map<std::string_view, std::uint64_t> states = {
      {"linked", 0}, {"connecting", 0}, {"parked", 0}};
  std::uint64_t window = 0;
  std::uint64_t window_max = 0;
  std::uint64_t backlog = 0;
  std::int64_t round_trip_max = 0;
  for (const node::LinkStatus& link : status.links) {
    ++states[link.state];
    window += link.window_bytes;
    window_max = std::max(window_max, link.window_bytes);
    backlog += link.backlog_bytes;
    round_trip_max = std::max(round_trip_max, link.round_trip_us);
  }
  for (const auto& [state, count] : states) {
    m.gauge("socketmesh_peers", "Peer sidecars by the state of their link.", count,
            {{"state", state}});
  }
  m.gauge("socketmesh_link_window_bytes", "Kept for peers until taken.", window);
  m.gauge("socketmesh_link_window_max_bytes", "The largest window of a peer.", window_max);
  m.gauge("socketmesh_link_backlog_bytes", "Waiting to be written to peers.", backlog);
  m.gauge("socketmesh_link_round_trip_max_seconds", "The slowest round trip to a peer.",
          static_cast<double>(round_trip_max) / kMicrosecondsPerSecond);

  std::map<std::string_view, std::uint64_t> addresses = {
      {"self", 0}, {"linked", 0}, {"dialing", 0}, {"waiting", 0}};
  for (const node::AddressStatus& address : status.addresses) ++addresses[address.state];
  for (const auto& [state, count] : addresses) {
    m.gauge("socketmesh_addresses", "Addresses that discovery lists, by state.", count,
            {{"state", state}});
  }
}

void add_state(MetricSet& m, const Report& report) {
  m.gauge("socketmesh_build_info", "Always 1; the version is in the label.", 1,
          {{"version", SOCKETMESH_VERSION}});
  m.gauge("socketmesh_ready", "Whether /readyz says yes.", report.ready ? 1 : 0);
  m.gauge("socketmesh_leaving", "Whether this sidecar said goodbye.",
          report.status.leaving ? 1 : 0);
  m.gauge("socketmesh_namespaces", "Namespaces with a member, over the whole mesh.",
          report.status.namespaces.size());
  m.gauge("socketmesh_interest_entries", "Distinct rooms, as hashes, that are subscribed to.",
          report.status.interest_local, {{"locality", "local"}});
  m.gauge("socketmesh_interest_entries", "Distinct rooms, as hashes, that are subscribed to.",
          report.status.interest_remote, {{"locality", "remote"}});
}

void add_tls(MetricSet& m, const TlsReport& tls) {
  m.gauge("socketmesh_tls_certificate_expiry_timestamp_seconds",
          "When the own certificate ends, since 1970.", tls.leaf_not_after_s);
  const auto* reloads = "Changes of the certificate files: taken into use, or refused.";
  m.counter("socketmesh_tls_reloads_total", reloads, tls.reloads, {{"result", "used"}});
  m.counter("socketmesh_tls_reloads_total", reloads, tls.reloads_refused, {{"result", "refused"}});
  m.gauge("socketmesh_tls_files_refused",
          "Whether the certificate files, as they are now, cannot be used.",
          tls.problem.empty() ? 0 : 1);
}

void add_watch(MetricSet& m, const WatchFigures& watch) {
  m.gauge("socketmesh_discovery_staleness_seconds",
          "Time since the API server last sent something; a quiet watch gets a bookmark about "
          "once a minute.",
          std::chrono::duration<double>(watch.staleness).count());
  m.gauge("socketmesh_discovery_up", "Whether endpoints can be listed and watched.",
          watch.troubled ? 0 : 1);
  m.gauge("socketmesh_discovery_addresses", "Addresses that discovery lists.", watch.addresses);
  m.counter("socketmesh_discovery_lists_total", "Lists of endpoints that were read whole.",
            watch.stats.lists);
  m.counter("socketmesh_discovery_relists_total", "Lists after the first one.",
            watch.stats.relists);
  m.counter("socketmesh_discovery_watches_total", "Watches that the API server accepted.",
            watch.stats.watches);
  m.counter("socketmesh_discovery_events_total", "Changes of EndpointSlices.", watch.stats.events);
  for (std::size_t i = 0; i < kube::kFailureKinds; ++i) {
    m.counter("socketmesh_discovery_failures_total",
              "Lists and watches that failed, by reason; expired is ordinary.",
              watch.stats.failures.at(i),
              {{"reason", to_string(static_cast<kube::FailureKind>(i))}});
  }
}

void add_dropin(MetricSet& m, const DropInReport& report) {
  std::map<std::pair<dropin::Version, bool>, double> servers;  // by version, and whether own
  for (const auto version : {dropin::Version::kV1, dropin::Version::kV2}) {
    for (const bool own : {true, false}) servers[{version, own}] = 0;
  }
  for (const dropin::ServerStatus& server : report.status.servers)
    ++servers[{server.version, server.sidecar.empty()}];
  for (const auto& [kind, count] : servers) {
    m.gauge("socketmesh_dropin_servers", "Servers in the rosters of drop-in apps.", count,
            {{"version", kind.first == dropin::Version::kV1 ? "v1" : "v2"},
             {"where", kind.second ? "own" : "peers"}});
  }
  m.gauge("socketmesh_dropin_restart_needed",
          "v1 apps of this pod that hear nothing of new servers until they are restarted.",
          static_cast<double>(report.status.restart_needed));
  m.gauge("socketmesh_dropin_tunnels", "Tunnels between drop-in apps, open or being opened.",
          static_cast<double>(report.status.tunnels.size()));
  const dropin::Counters& c = report.counters;
  m.counter("socketmesh_dropin_registrations_total", "Registrations of drop-in apps.",
            c.registrations);
  m.counter("socketmesh_dropin_updates_total", "Rosters sent to drop-in apps.", c.updates);
  m.counter("socketmesh_dropin_tunnels_opened_total", "Tunnels opened, by either end.",
            c.tunnels_opened);
  m.counter("socketmesh_dropin_hellos_rewritten_total",
            "Hellos that got the address of the sidecar's own roster.", c.hellos_rewritten);
  const auto* messages =
      "Messages from this pod's drop-in apps into tunnels (in), and to them (out).";
  m.counter("socketmesh_dropin_messages_total", messages, c.messages_in, {{"direction", "in"}});
  m.counter("socketmesh_dropin_messages_total", messages, c.messages_out, {{"direction", "out"}});
  const auto* bytes = "Bytes of those messages.";
  m.counter("socketmesh_dropin_bytes_total", bytes, c.bytes_in, {{"direction", "in"}});
  m.counter("socketmesh_dropin_bytes_total", bytes, c.bytes_out, {{"direction", "out"}});
  for (std::size_t i = 0; i < c.closed.size(); ++i) {
    m.counter("socketmesh_dropin_tunnels_closed_total",
              "Tunnels that ended, or were refused, by reason.", c.closed.at(i),
              {{"reason", dropin::kCloseReasonNames.at(i)}});
  }
  for (std::size_t i = 0; i < c.cuts.size(); ++i) {
    m.counter("socketmesh_dropin_clients_cut_total",
              "Connections to the discovery port that were cut, by reason.", c.cuts.at(i),
              {{"reason", dropin::kCutReasonNames.at(i)}});
  }
}

void add_shell(MetricSet& m, const Report& report) {
  m.counter("socketmesh_flushes_total", "Turns of the event loop that wrote what had gathered.",
            report.driver.flushes);
  m.counter("socketmesh_transport_failures_total", "TLS handshakes and sessions that failed.",
            report.driver.transport_failures);
  m.counter("socketmesh_connections_refused_total", "Link connections over the handshake limit.",
            report.driver.connections_refused);
  m.counter("socketmesh_admin_requests_total", "HTTP requests to the admin port.",
            report.admin.requests);
  const auto* refused = "Clients of the admin port that were cut, by reason.";
  const auto refuse = [&](std::string_view reason, std::uint64_t count) {
    m.counter("socketmesh_admin_refused_total", refused, count, {{"reason", reason}});
  };
  refuse("connections", report.admin.refused_connections);
  refuse("streams", report.admin.refused_streams);
  refuse("bad_request", report.admin.bad_requests);
  refuse("timeout", report.admin.timeouts);
  refuse("slow_stream", report.admin.slow_streams);
  refuse("handshake", report.admin.refused_handshakes);
}

}  // namespace

obs::MetricSet make_metrics(const Report& report, const RoundTrips& round_trips) {
  MetricSet m;
  add_state(m, report);
  if (report.tls) add_tls(m, *report.tls);
  add_app_counters(m, report.counters);
  add_link_counters(m, report.counters);
  add_routing_counters(m, report.counters);
  add_members(m, report.status);
  add_links(m, report.status);
  if (report.watch) add_watch(m, *report.watch);
  if (report.dropin) add_dropin(m, *report.dropin);
  if (report.status.recovery) add_recovery(m, *report.status.recovery, report.counters);
  m.histogram("socketmesh_link_round_trip_seconds", "Round trips to peers, sampled each second.",
              round_trips.links, kMicrosecondsPerSecond);
  m.histogram("socketmesh_member_round_trip_seconds",
              "Round trips to attached members, their event loop included, sampled each second.",
              round_trips.members, kMicrosecondsPerSecond);
  add_shell(m, report);
  obs::add_process_metrics(m);
  return m;
}

}  // namespace socketmesh::shell

// /status and /metrics from one made-up report.
#include "sidecar/shell/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sidecar/shell/metrics.hpp"
#include "sidecar/shell/status_json.hpp"

namespace socketmesh::shell {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

Report sample() {
  Report report;
  report.ready = true;
  node::Status& status = report.status;
  status.mesh = "chat";
  status.sidecar_id = "a";
  status.epoch = 1'795'417'143'734'978;
  node::MemberStatus local;
  local.id = "00000000000000aa";
  local.name = "host:1";
  local.sidecar = "a";
  local.local = local.up = true;
  local.namespaces = {"/", "/admin"};
  local.rooms = 12;
  local.round_trip_us = 900;
  node::MemberStatus remote;
  remote.name = "host:2";
  remote.sidecar = "b";
  status.members = {local, remote};
  node::LinkStatus linked;
  linked.peer = "b";
  linked.state = "linked";
  linked.round_trip_us = 1'500;
  linked.window_bytes = 10;
  node::LinkStatus parked = linked;
  parked.peer = "c";
  parked.state = "parked";
  parked.window_bytes = 30;
  status.links = {linked, parked};
  status.namespaces = {{"/", 2}};
  report.counters.app_messages_in = 5;
  report.counters.cut(node::CutReason::kBadFrame);
  report.counters.drop(node::DropReason::kVolatile, 3);
  return report;
}

TEST(StatusJson, NamesWhatTheNodeKnows) {
  const json status = json::parse(status_json(sample()));
  EXPECT_EQ(status["mesh"], "chat");
  EXPECT_EQ(status["epoch"], 1'795'417'143'734'978);
  EXPECT_EQ(status["ready"], true);
  EXPECT_EQ(status["members"][0]["namespaces"], json::array({"/", "/admin"}));
  EXPECT_EQ(status["members"][0]["rooms"], 12);
  EXPECT_FALSE(status["members"][1].contains("rooms")) << "known of local members only";
  EXPECT_EQ(status["links"][1]["state"], "parked");
  EXPECT_EQ(status["namespaces"][0], (json{{"name", "/"}, {"members", 2}}));
  EXPECT_EQ(status["counters"]["app_messages_in"], 5);
  EXPECT_EQ(status["counters"]["cuts"]["bad_frame"], 1);
  EXPECT_EQ(status["counters"]["drops"]["volatile"], 3);
  EXPECT_TRUE(status["process"].contains("resident_bytes"));
}

TEST(StatusJson, RepairsNamesThatAreNotText) {
  Report report = sample();
  report.status.members[0].name = "host\xff\xfe:1\"\n";
  const json status = json::parse(status_json(report));
  EXPECT_THAT(status["members"][0]["name"].get<std::string>(), HasSubstr("\xef\xbf\xbd"));
}

TEST(Metrics, AggregateWhatGrows) {
  const std::string text = make_metrics(sample(), RoundTrips()).text();
  EXPECT_THAT(text, HasSubstr("socketmesh_app_messages_total{direction=\"in\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_members{locality=\"local\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_members{locality=\"remote\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_members_awaited 1\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_peers{state=\"linked\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_peers{state=\"connecting\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_link_window_bytes 40\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_link_window_max_bytes 30\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_link_round_trip_max_seconds 0.0015\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_messages_dropped_total{reason=\"volatile\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_connections_cut_total{reason=\"bad_frame\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("host:1"))) << "no label for each member";
  EXPECT_THAT(text, Not(HasSubstr("peer=")));
}

TEST(Metrics, SampleRoundTripsOfLiveLinksAndLocalMembers) {
  RoundTrips trips;
  trips.sample(sample().status);
  EXPECT_EQ(trips.links.count(), 1U);
  EXPECT_EQ(trips.links.sum(), 1'500U);
  EXPECT_EQ(trips.members.count(), 1U);
  const std::string text = make_metrics(sample(), trips).text();
  EXPECT_THAT(text, HasSubstr("socketmesh_link_round_trip_seconds_count 1\n"));
}

Report sample_with_watch() {
  Report report = sample();
  report.watch.emplace();
  report.watch->staleness = std::chrono::milliseconds(1'500);
  report.watch->addresses = 3;
  report.watch->stats.relists = 2;
  report.watch->stats.events = 7;
  report.watch->stats.failures.at(static_cast<std::size_t>(kube::FailureKind::kForbidden)) = 4;
  return report;
}

TEST(StatusJson, TellsOfTheEndpointWatch) {
  EXPECT_TRUE(json::parse(status_json(sample()))["endpoint_watch"].is_null());
  const json watch = json::parse(status_json(sample_with_watch()))["endpoint_watch"];
  EXPECT_EQ(watch["staleness_ms"], 1'500);
  EXPECT_EQ(watch["troubled"], false);
  EXPECT_EQ(watch["addresses"], 3);
  EXPECT_EQ(watch["relists"], 2);
  EXPECT_EQ(watch["failures"]["forbidden"], 4);
  EXPECT_EQ(watch["failures"].size(), kube::kFailureKinds);
}

TEST(Metrics, TellOfTheEndpointWatch) {
  EXPECT_THAT(make_metrics(sample(), RoundTrips()).text(), Not(HasSubstr("socketmesh_discovery_")));
  const std::string text = make_metrics(sample_with_watch(), RoundTrips()).text();
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_staleness_seconds 1.5\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_up 1\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_addresses 3\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_relists_total 2\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_events_total 7\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_failures_total{reason=\"forbidden\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_discovery_failures_total{reason=\"too_large\"} 0\n"));
}

Report sample_with_tls() {
  Report report = sample();
  report.tls = TlsReport{"ab12", 1'800'000'000, 3, 1, "'tls.crt' is empty"};
  return report;
}

TEST(StatusJson, TellsOfTheCertificates) {
  EXPECT_TRUE(json::parse(status_json(sample()))["tls"].is_null()) << "plain links";
  EXPECT_EQ(json::parse(status_json(sample_with_tls()))["tls"],
            (json{{"bundle_sha256", "ab12"},
                  {"leaf_not_after", 1'800'000'000},
                  {"reloads", 3},
                  {"reloads_refused", 1},
                  {"problem", "'tls.crt' is empty"}}));
}

TEST(Metrics, TellOfTheCertificates) {
  EXPECT_THAT(make_metrics(sample(), RoundTrips()).text(), Not(HasSubstr("socketmesh_tls_")));
  const std::string text = make_metrics(sample_with_tls(), RoundTrips()).text();
  EXPECT_THAT(text, HasSubstr("socketmesh_tls_certificate_expiry_timestamp_seconds 1800000000\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_tls_reloads_total{result=\"used\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_tls_reloads_total{result=\"refused\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("socketmesh_tls_files_refused 1\n"));
}

TEST(StatusJson, DropInIsNullUntilItIsConfigured) {
  EXPECT_TRUE(json::parse(status_json(sample()))["dropin"].is_null());
}

Report with_drop_in() {
  Report report = sample();
  DropInReport& drop_in = report.dropin.emplace();
  drop_in.status.servers = {
      {"00000000000000aa", dropin::Version::kV2, "", "ws://localhost:1", true},
      {"123e4567-e89b-12d3-a456-426614174000", dropin::Version::kV1, "b", "ws://b:1", false}};
  drop_in.status.tunnels = {{7, "00000000000000bb", "b", true, false, 42}};
  drop_in.status.restart_needed = 1;
  drop_in.counters.messages_in = 3;
  drop_in.counters.close(dropin::CloseReason::kTooBig);
  drop_in.counters.cut(dropin::CutReason::kUnauthorized);
  return report;
}

TEST(StatusJson, ShowsDropInServersAndTunnels) {
  const json drop_in = json::parse(status_json(with_drop_in()))["dropin"];
  EXPECT_EQ(drop_in["mode"], "carry");
  EXPECT_EQ(drop_in["restart_needed"], 1);
  EXPECT_EQ(drop_in["servers"][1], json::parse(R"({"id": "123e4567-e89b-12d3-a456-426614174000",
      "version": 1, "sidecar": "b", "address": "ws://b:1", "attached": false})"));
  EXPECT_EQ(drop_in["tunnels"][0]["waiting_bytes"], 42);
  EXPECT_EQ(drop_in["tunnels"][0]["opened_here"], true);
}

TEST(Metrics, CountDropInByKindAndReason) {
  const std::string text = make_metrics(with_drop_in(), RoundTrips()).text();
  for (const char* line : {"socketmesh_dropin_servers{version=\"v2\",where=\"own\"} 1",
                           "socketmesh_dropin_servers{version=\"v1\",where=\"peers\"} 1",
                           "socketmesh_dropin_servers{version=\"v1\",where=\"own\"} 0",
                           "socketmesh_dropin_restart_needed 1", "socketmesh_dropin_tunnels 1",
                           "socketmesh_dropin_messages_total{direction=\"in\"} 3",
                           "socketmesh_dropin_tunnels_closed_total{reason=\"too_big\"} 1",
                           "socketmesh_dropin_clients_cut_total{reason=\"unauthorized\"} 1"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(make_metrics(sample(), RoundTrips()).text(), Not(HasSubstr("dropin")));
}

Report with_copies() {
  Report report = sample();
  node::RecoveryStatus& recovery = report.status.recovery.emplace();
  recovery.replicas = 2;
  recovery.copies_whole = 3;
  recovery.copies_shed = 1;
  recovery.held_homes = 4;
  recovery.held_sessions = 50;
  recovery.held_bytes = 600;
  node::Counters& counters = report.counters;
  counters.copied_bytes = 7000;
  counters.copies_shed = 8;
  counters.copy_lag.observe(700);
  counters.copy_lag.observe(2'000'000);
  counters.takeover(node::TakeoverResult::kGap);
  return report;
}

TEST(StatusJson, ShowsCopies) {
  const json status = json::parse(status_json(with_copies()));
  EXPECT_EQ(status["recovery"]["replicas"], 2);
  EXPECT_EQ(status["recovery"]["copies_whole"], 3);
  EXPECT_EQ(status["recovery"]["held_sessions"], 50);
  EXPECT_EQ(status["counters"]["copied_bytes"], 7000);
  EXPECT_EQ(status["counters"]["copy_lag_us"]["750"], 1);
  EXPECT_EQ(status["counters"]["copy_lag_us"]["more"], 1);
  EXPECT_EQ(status["counters"]["copy_lag_us"]["500"], 0);
  EXPECT_EQ(status["counters"]["takeovers"], json::parse(R"({"whole": 0, "gap": 1, "void": 0,
      "alive": 0, "timeout": 0})"));
}

TEST(Metrics, TellOfCopiesWhereThereAreToBeSome) {
  Report report = with_copies();
  const std::string text = make_metrics(report, RoundTrips()).text();
  for (const char* line :
       {"socketmesh_recovery_copies{state=\"whole\"} 3\n",
        "socketmesh_recovery_copies{state=\"catching_up\"} 0\n",
        "socketmesh_recovery_copies{state=\"shed\"} 1\n",
        "socketmesh_recovery_copy_lag_seconds_bucket{le=\"0.0005\"} 0\n",
        "socketmesh_recovery_copy_lag_seconds_bucket{le=\"0.00075\"} 1\n",
        "socketmesh_recovery_copy_lag_seconds_count 2\n",
        "socketmesh_recovery_copied_bytes_total 7000\n",
        "socketmesh_recovery_copies_shed_total 8\n", "socketmesh_recovery_held_homes 4\n",
        "socketmesh_recovery_held_sessions 50\n", "socketmesh_recovery_held_bytes 600\n",
        "socketmesh_recovery_takeovers_total{result=\"gap\"} 1\n",
        "socketmesh_recovery_takeovers_total{result=\"whole\"} 0\n"})
    EXPECT_THAT(text, HasSubstr(line));
  report.status.recovery->replicas = 0;
  EXPECT_THAT(make_metrics(report, RoundTrips()).text(), Not(HasSubstr("recovery_cop")));
}

TEST(Metrics, PassPromtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool";
  FILE* promtool = ::popen("promtool check metrics", "w");
  ASSERT_NE(promtool, nullptr);
  Report report = sample_with_tls();
  report.watch = sample_with_watch().watch;
  report.status.recovery = with_copies().status.recovery;
  std::fputs(make_metrics(report, RoundTrips()).text().c_str(), promtool);
  EXPECT_EQ(::pclose(promtool), 0);
}

}  // namespace
}  // namespace socketmesh::shell

#include "operator/control/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::control {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const MeshRecord> mesh_with(const char* type, const char* status) {
  auto record = std::make_shared<MeshRecord>();
  api::Condition condition;
  condition.type = type;
  condition.status = status;
  record->mesh.status.conditions.push_back(condition);
  return record;
}

// What the chart's dashboard and alert rules ask for.
TEST(Metrics, HasTheNamesThatTheChartUses) {
  Figures figures;
  figures.leading = true;
  figures.queue.figures.depth = 2;
  figures.queue.figures.longest_running = std::chrono::seconds(3);
  figures.workers.outcomes = {7, 1, 4};
  figures.workers.durations_us.observe(2'000);
  figures.meshes = {mesh_with("Ready", "True"), mesh_with("Ready", "True"),
                    mesh_with("Ready", "Unknown"), mesh_with("Whatever", "True")};
  figures.bare_pods = {{"talk/chat", 2}};
  figures.expiries = {{"talk/chat", {1'795'426'731, 0}}};
  figures.api.requests[{"PATCH", 200}] = 9;
  figures.watches.push_back({"pods", true, std::chrono::seconds(2), 5, 0, 1});
  figures.webhook.emplace();
  const std::string text = metrics_text(figures);
  for (const char* line :
       {"leader_election_master_status{name=\"socketmesh-operator\"} 1",
        "workqueue_depth{name=\"socketmesh\"} 2",
        "workqueue_longest_running_processor_seconds{name=\"socketmesh\"} 3",
        "controller_runtime_reconcile_total{controller=\"socketmesh\",result=\"error\"} 4",
        "controller_runtime_reconcile_total{controller=\"socketmesh\",result=\"success\"} 7",
        "controller_runtime_reconcile_errors_total{controller=\"socketmesh\"} 4",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"socketmesh\",le=\"0.005\"} "
        "1",
        "socketmesh_operator_meshes{condition=\"Ready\",status=\"True\"} 2",
        "socketmesh_operator_meshes{condition=\"Ready\",status=\"Unknown\"} 1",
        "socketmesh_operator_meshes{condition=\"Available\",status=\"False\"} 0",
        "socketmesh_operator_bare_pods{namespace=\"talk\",mesh=\"chat\"} 2",
        "socketmesh_operator_certificate_expiry_timestamp_seconds{namespace=\"talk\",mesh="
        "\"chat\",certificate=\"leaf\"}",
        "socketmesh_operator_api_requests_total{method=\"PATCH\",code=\"200\"} 9",
        "socketmesh_operator_watch_troubled{resource=\"pods\"} 1",
        "socketmesh_operator_webhook_reviews_total{outcome=\"injected\"} 0"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("certificate=\"root\""))) << "not known";
  EXPECT_THAT(text, Not(HasSubstr("Whatever")));
}

}  // namespace
}  // namespace socketmesh::op::control

#include "operator/plan/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using testing::HasSubstr;

constexpr char kThen[] = "2026-11-23T09:00:00Z";
constexpr char kNow[] = "2026-11-23T10:00:00Z";

api::SocketMesh template_mesh() {
  api::SocketMesh mesh;
  mesh.metadata.name = "chat";
  mesh.metadata.generation = 4;
  mesh.spec.replicas = 3;
  mesh.spec.pod_template = nlohmann::json::object();
  return mesh;
}

// Everything is well.
Observations well() {
  Observations seen;
  seen.deployment = DeploymentStatus{3, 3, 3, true, true, ""};
  seen.pods = {3, 3, 0};
  seen.certificates = {true, "Issued", "valid until tomorrow"};
  seen.certificates_status = {"Stable", "2026-11-24T09:00:00Z", "2027-11-23T09:00:00Z"};
  seen.convergence = {Converged::kTrue, "AllLinked", "each of 3", 3};
  seen.revision = "1/image";
  seen.selector = "socketmesh.io/mesh=chat";
  return seen;
}

std::string status_of(const api::Status& status, const char* type) {
  const api::Condition* found = api::find_condition(status.conditions, type);
  return found == nullptr ? "absent" : found->status;
}

std::string reason_of(const api::Status& status, const char* type) {
  const api::Condition* found = api::find_condition(status.conditions, type);
  return found == nullptr ? "absent" : found->reason;
}

TEST(Status, AMeshThatIsUp) {
  const api::Status status = make_status(template_mesh(), well(), kNow);
  EXPECT_EQ(status.observed_generation, 4);
  EXPECT_EQ(status.desired_replicas, 3);
  EXPECT_EQ(status.replicas, 3);
  EXPECT_EQ(status.ready_replicas, 3);
  EXPECT_EQ(status.members, 3);
  EXPECT_EQ(status.selector, "socketmesh.io/mesh=chat");
  EXPECT_EQ(status.sidecar_revision, "1/image");
  EXPECT_EQ(status.certificates.phase, "Stable");
  for (const char* type :
       {api::kReady, api::kAvailable, api::kMeshConverged, api::kCertificatesReady}) {
    EXPECT_EQ(status_of(status, type), "True") << type;
    EXPECT_EQ(api::find_condition(status.conditions, type)->observed_generation, 4) << type;
  }
  EXPECT_EQ(status.conditions.size(), 4U) << "NameConflict and Paused only while they are True";
}

TEST(Status, UnchangedObservationsChangeNothing) {
  api::SocketMesh mesh = template_mesh();
  mesh.status = make_status(mesh, well(), kThen);
  EXPECT_EQ(make_status(mesh, well(), kNow), mesh.status);
}

TEST(Status, OnlyWhatChangedGetsANewTime) {
  api::SocketMesh mesh = template_mesh();
  mesh.status = make_status(mesh, well(), kThen);
  Observations seen = well();
  seen.convergence.converged = Converged::kFalse;
  seen.convergence.reason = "LinksMissing";
  const api::Status status = make_status(mesh, seen, kNow);
  EXPECT_EQ(api::find_condition(status.conditions, api::kMeshConverged)->last_transition_time,
            kNow);
  EXPECT_EQ(api::find_condition(status.conditions, api::kReady)->last_transition_time, kNow);
  EXPECT_EQ(api::find_condition(status.conditions, api::kAvailable)->last_transition_time, kThen);
}

TEST(Status, ReadyTellsTheGravestReason) {
  Observations seen = well();
  const auto reason = [&] {
    const api::Status status = make_status(template_mesh(), seen, kNow);
    EXPECT_NE(status_of(status, api::kReady), "True");
    return reason_of(status, api::kReady);
  };
  seen.convergence = {Converged::kUnknown, "SidecarsUnreachable", "1 of 3", 2};
  EXPECT_EQ(reason(), "SidecarsUnreachable");
  EXPECT_EQ(status_of(make_status(template_mesh(), seen, kNow), api::kReady), "Unknown");
  seen.deployment->available = false;
  seen.deployment->ready = 1;
  EXPECT_EQ(reason(), "PodsNotReady");
  seen.certificates = {false, "IssuingFailed", "no"};
  EXPECT_EQ(reason(), "IssuingFailed");
  seen.findings = {{"PortTaken", "the app uses 7400"}};
  EXPECT_EQ(reason(), "PortTaken");
  seen.refusals = {{"Deployment default/chat", "must be no more than 63 characters"}};
  EXPECT_EQ(reason(), "ObjectRefused");
  seen.conflicts = {"Service default/chat"};
  EXPECT_EQ(reason(), "NameConflict");
}

TEST(Status, RefusalsAreQuoted) {
  Observations seen = well();
  seen.refusals = {{"Deployment default/chat", "spec.x: Invalid value"},
                   {"Ingress default/chat", "forbidden"}};
  const api::Status status = make_status(template_mesh(), seen, kNow);
  EXPECT_EQ(api::find_condition(status.conditions, api::kReady)->message,
            "Deployment default/chat: spec.x: Invalid value; Ingress default/chat: forbidden");
}

TEST(Status, ANameConflictComesAndGoes) {
  api::SocketMesh mesh = template_mesh();
  Observations seen = well();
  seen.conflicts = {"Service default/chat", "ConfigMap default/chat-mesh"};
  mesh.status = make_status(mesh, seen, kThen);
  EXPECT_EQ(status_of(mesh.status, kNameConflict), "True");
  EXPECT_THAT(api::find_condition(mesh.status.conditions, kNameConflict)->message,
              HasSubstr("Service default/chat, ConfigMap default/chat-mesh"));
  mesh.status = make_status(mesh, well(), kNow);
  EXPECT_EQ(status_of(mesh.status, kNameConflict), "absent");
  EXPECT_EQ(status_of(mesh.status, api::kReady), "True");
}

TEST(Status, PausedIsSaid) {
  api::SocketMesh mesh = template_mesh();
  Observations seen = well();
  seen.paused = true;
  mesh.status = make_status(mesh, seen, kThen);
  EXPECT_EQ(status_of(mesh.status, kPaused), "True");
  EXPECT_EQ(status_of(make_status(mesh, well(), kNow), kPaused), "absent");
}

TEST(Status, TheDeploymentDecidesWhatIsAvailable) {
  Observations seen = well();
  const auto available = [&] {
    const api::Status status = make_status(template_mesh(), seen, kNow);
    return status_of(status, api::kAvailable) + " " + reason_of(status, api::kAvailable);
  };
  seen.deployment->ready = 2;
  EXPECT_EQ(available(), "True PodsReady") << "the Deployment's rule, not all pods";
  seen.deployment->observed = false;
  EXPECT_EQ(available(), "False PodsNotReady") << "it speaks of an older generation";
  seen.deployment = DeploymentStatus{3, 0, 0, true, false, "exceeded quota"};
  EXPECT_EQ(available(), "False DeploymentFailing");
  seen.deployment = DeploymentStatus{0, 0, 0, true, true, ""};
  EXPECT_EQ(available(), "True ScaledToZero");
  seen.deployment.reset();
  EXPECT_EQ(available(), "False NoDeployment");
}

TEST(Status, LabelledModeCountsPods) {
  api::SocketMesh mesh = template_mesh();
  mesh.spec.pod_template.reset();
  Observations seen = well();
  seen.deployment.reset();
  seen.pods = {5, 4, 1};
  api::Status status = make_status(mesh, seen, kNow);
  EXPECT_EQ(status.replicas, 5);
  EXPECT_EQ(status.ready_replicas, 4);
  EXPECT_EQ(reason_of(status, api::kAvailable), "PodsReady");
  seen.pods.ready = 0;
  EXPECT_EQ(status_of(make_status(mesh, seen, kNow), api::kAvailable), "False");

  // `kubectl wait --for=condition=Ready` comes before the first pod.
  seen.pods = {};
  seen.convergence = converge({}, 0);
  status = make_status(mesh, seen, kNow);
  EXPECT_EQ(status_of(status, api::kReady), "True");
  EXPECT_EQ(status_of(status, api::kMeshConverged), "Unknown");
  EXPECT_EQ(status.members, std::nullopt);
}

TEST(Status, AnInvalidSpecKeepsWhatIsKnown) {
  api::SocketMesh mesh = template_mesh();
  mesh.status = make_status(mesh, well(), kThen);
  mesh.metadata.generation = 5;
  const api::Status status =
      invalid_status(mesh.metadata, mesh.status, {{"spec.port", "is out of range"}}, kNow);
  EXPECT_EQ(status.observed_generation, 5);
  EXPECT_EQ(status.ready_replicas, 3);
  EXPECT_EQ(status_of(status, api::kReady), "False");
  EXPECT_EQ(reason_of(status, api::kReady), "InvalidSpec");
  EXPECT_EQ(api::find_condition(status.conditions, api::kReady)->message,
            "spec.port: is out of range");
  EXPECT_EQ(api::find_condition(status.conditions, api::kAvailable)->observed_generation, 4);
}

}  // namespace
}  // namespace socketmesh::op::plan

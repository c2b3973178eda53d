#include "operator/control/mesh_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/control/told.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::control {
namespace {

using testing::HasSubstr;

PodRecord pod(const std::string& name, const std::string& address, bool started) {
  PodRecord record;
  record.name = name;
  record.uid = "uid-" + name;
  record.mesh = "chat";
  record.address = address;
  record.sidecar = true;
  record.sidecar_started = started;
  return record;
}

TEST(MeshFacts, SecretsBelongToTheMesh) {
  const auto metadata = secret_metadata(mesh_of(kChat));
  EXPECT_FALSE(metadata.contains("name"));
  EXPECT_EQ(metadata["namespace"], "talk");
  EXPECT_EQ(metadata["ownerReferences"][0]["uid"], "3f1c");
  EXPECT_EQ(metadata["labels"]["socketmesh.io/mesh"], "chat");
}

TEST(MeshFacts, TargetsHaveAnAddressAndStay) {
  std::vector<PodRecord> pods = {pod("a", "10.0.0.1", true), pod("b", "", false),
                                 pod("c", "10.0.0.3", false), pod("d", "10.0.0.4", true),
                                 pod("e", "10.0.0.5", true)};
  pods[3].deleting = true;
  pods[4].sidecar = false;
  const auto targets = targets_of(pods);
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0], (PollTarget{"uid-a", "a", "10.0.0.1", true, false}));
  EXPECT_EQ(targets[1], (PollTarget{"uid-c", "c", "10.0.0.3", false, false}));
  const auto counts = count_pods(pods);
  EXPECT_EQ(counts.members, 3);
  EXPECT_EQ(counts.bare, 1);
}

TEST(MeshFacts, EverySidecarHasAReportAndTheSilentOnesAnEmptyOne) {
  const std::vector<PodRecord> pods = {pod("a", "10.0.0.1", true), pod("b", "10.0.0.2", true)};
  std::vector<plan::SidecarPod> polled(1);
  polled[0].name = "a";
  polled[0].status.emplace();
  polled[0].status->bundle_sha256 = "beef";
  const auto reports = reports_of(polled, pods);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].bundle_sha256, "beef");
  EXPECT_EQ(reports[1].name, "b");
  EXPECT_EQ(reports[1].bundle_sha256, std::nullopt);
}

TEST(MeshFacts, HowManySidecarsThereShouldBe) {
  EXPECT_EQ(expected_sidecars(mesh_of(kChat)), 3);
  EXPECT_EQ(expected_sidecars(mesh_of(kLabelled)), 0);
  EXPECT_EQ(expected_sidecars(mesh_of(
                kChat, {{"spec", {{"autoscaling", {{"minReplicas", 2}, {"maxReplicas", 5}}}}}})),
            2);
}

TEST(MeshFacts, CredentialsAreSharedUntilTheyChange) {
  const api::Metadata metadata = mesh_of(kChat).metadata;
  CertificateView view;
  EXPECT_EQ(credentials_of(view, metadata, nullptr), nullptr);
  view.texts = pki::TlsTexts{"ca", "cert", "key"};
  const auto first = credentials_of(view, metadata, nullptr);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->spiffe_id, "spiffe://socketmesh.io/ns/talk/mesh/chat");
  EXPECT_EQ(credentials_of(view, metadata, first), first);
  view.texts->cert_pem = "renewed";
  EXPECT_NE(credentials_of(view, metadata, first), first);
}

TEST(MeshFacts, CertificatesThatCouldNotBeLookedAtStayAsTheyWere) {
  api::Status before;
  before.certificates.phase = "Stable";
  plan::Observations seen;
  see_certificates(nullptr, before, {}, seen);
  EXPECT_FALSE(seen.certificates.ready);
  EXPECT_EQ(seen.certificates_status.phase, "Stable");
  CertificateReport failed;
  failed.failure = "no entropy";
  see_certificates(nullptr, before, failed, seen);
  EXPECT_EQ(seen.certificates.message, "no entropy");
  api::Condition said;
  said.type = api::kCertificatesReady;
  said.status = "True";
  said.reason = "Issued";
  before.conditions.push_back(said);
  see_certificates(nullptr, before, {}, seen);
  EXPECT_TRUE(seen.certificates.ready);
  EXPECT_EQ(seen.certificates.reason, "Issued");
}

TEST(MeshFacts, CertificatesAreSeen) {
  CertificateView view;
  view.decision.condition = {true, "Issued", "fine"};
  view.decision.phase = plan::RotationPhase::kSign;
  view.leaf_not_after = plan::CertTime(plan::seconds(1'795'426'731));
  plan::Observations seen;
  see_certificates(&view, {}, {}, seen);
  EXPECT_TRUE(seen.certificates.ready);
  EXPECT_EQ(seen.certificates_status.phase, "Sign");
  EXPECT_EQ(seen.certificates_status.leaf_not_after, "2026-11-23T09:38:51Z");
  EXPECT_EQ(seen.certificates_status.root_not_after, "") << "no root is known";
}

TEST(Told, WhatAReconcileDidIsOneEventEach) {
  const api::Metadata metadata = mesh_of(kChat).metadata;
  EXPECT_TRUE(events_of(metadata, {}, {}).empty()) << "nothing done, nothing told";
  SyncReport synced;
  synced.created = {"Service talk/chat", "Deployment talk/chat"};
  synced.conflicts = {"ConfigMap talk/chat-mesh"};
  synced.refusals = {{"Ingress talk/chat", "denied"}};
  CertificateReport certified;
  certified.steps = {"there is no root"};
  certified.conflicts = {"Secret talk/chat-mesh-tls"};
  const auto events = events_of(metadata, synced, certified);
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].reason, "CertificatesChanged");
  EXPECT_EQ(events[1].reason, "Created");
  EXPECT_EQ(events[1].message, "Service talk/chat, Deployment talk/chat");
  EXPECT_FALSE(events[1].warning);
  EXPECT_EQ(events[1].about.uid, "3f1c");
  EXPECT_EQ(events[2].reason, "NameConflict");
  EXPECT_TRUE(events[2].warning);
  EXPECT_THAT(events[2].message, HasSubstr("Secret talk/chat-mesh-tls, ConfigMap talk/chat-mesh"));
  EXPECT_EQ(events[3].message, "Ingress talk/chat: denied");
}

TEST(Told, ABarePodIsToldWhatHelps) {
  EXPECT_THAT(about_bare_pod(pod("a", "", false), true).message, HasSubstr("Delete it"));
  EXPECT_THAT(about_bare_pod(pod("a", "", false), false).message, HasSubstr("no SocketMesh"));
  EXPECT_EQ(about_bare_pod(pod("a", "", false), true).about.kind, "Pod");
}

}  // namespace
}  // namespace socketmesh::op::control

#include "operator/control/view.hpp"

#include <gtest/gtest.h>

#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::control {
namespace {

using nlohmann::json;

json deployment() {
  return json::parse(R"({
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {
      "name": "chat", "namespace": "talk", "uid": "d1", "resourceVersion": "120", "generation": 3,
      "labels": {"socketmesh.io/mesh": "chat", "team": "a"},
      "annotations": {"socketmesh.io/hash": "h1", "socketmesh.io/template-hash": "t1",
                      "socketmesh.io/sidecar-revision": "1/img", "other": "x"},
      "ownerReferences": [{"uid": "u0"}, {"uid": "u1", "controller": true}],
      "managedFields": [
        {"manager": "socketmesh-operator", "operation": "Apply", "time": "10:00",
         "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}]},
    "spec": {"replicas": 4, "template": {"spec": {"containers": []}}},
    "status": {"observedGeneration": 3, "replicas": 4, "readyReplicas": 2,
      "conditions": [{"type": "Available", "status": "True"},
                     {"type": "Progressing", "status": "False", "message": "timed out"}]}})");
}

TEST(OwnedView, KeepsWhatDecisionsNeed) {
  const OwnedObject owned = read_owned(deployment());
  EXPECT_EQ(owned.id, (plan::ObjectId{"apps/v1", "Deployment", "talk", "chat"}));
  EXPECT_EQ(owned.mesh, "chat");
  EXPECT_EQ(owned.version, 120U);
  EXPECT_EQ(owned.live.uid, "d1");
  EXPECT_EQ(owned.live.controller_uid, "u1");
  EXPECT_EQ(owned.live.hash, "h1");
  EXPECT_FALSE(owned.live.deleting);
  EXPECT_EQ(owned.record, (plan::Record{"t1", "1/img"}));
  EXPECT_TRUE(owned.owns_replicas);
  ASSERT_TRUE(owned.deployment);
  EXPECT_EQ(owned.deployment->wanted, 4);
  EXPECT_EQ(owned.deployment->ready, 2);
  EXPECT_TRUE(owned.deployment->observed);
  EXPECT_TRUE(owned.deployment->available);
  EXPECT_EQ(owned.deployment->trouble, "timed out");
}

TEST(OwnedView, IsTheSameFromATrimmedObject) {
  json trimmed = deployment();
  trim_owned(trimmed);
  EXPECT_FALSE(trimmed["metadata"].contains("managedFields"));
  EXPECT_FALSE(trimmed["spec"].contains("template"));
  EXPECT_LT(trimmed.dump().size(), deployment().dump().size());
  const OwnedObject before = read_owned(deployment());
  const OwnedObject after = read_owned(trimmed);
  EXPECT_EQ(after.live.fingerprint, before.live.fingerprint);
  EXPECT_EQ(after.owns_replicas, before.owns_replicas);
  EXPECT_EQ(after.live.controller_uid, before.live.controller_uid);
  EXPECT_EQ(after.deployment->trouble, before.deployment->trouble);
  json twice = trimmed;
  trim_owned(twice);
  EXPECT_EQ(twice, trimmed);
}

TEST(OwnedView, AnotherManagerChangesTheFingerprint) {
  json touched = deployment();
  touched["metadata"]["managedFields"].push_back({{"manager", "kubectl"}, {"time", "10:05"}});
  EXPECT_NE(read_owned(touched).live.fingerprint, read_owned(deployment()).live.fingerprint);
}

TEST(OwnedView, AnAutoscalerDoesNotOnceItOwnsTheReplicas) {
  json before = deployment();
  before["metadata"]["managedFields"][0]["fieldsV1"] = json::object();
  json after = before;
  after["metadata"]["managedFields"].push_back({{"manager", "hpa"}, {"subresource", "scale"}});
  EXPECT_EQ(read_owned(after).live.fingerprint, read_owned(before).live.fingerprint);
}

TEST(OwnedView, AFailureToMakePodsIsTrouble) {
  json failing = deployment();
  failing["status"]["conditions"].push_back(
      {{"type", "ReplicaFailure"}, {"status", "True"}, {"message", "exceeded quota"}});
  EXPECT_EQ(read_owned(failing).deployment->trouble, "exceeded quota");
  failing["status"]["observedGeneration"] = 2;
  EXPECT_FALSE(read_owned(failing).deployment->observed);
}

TEST(OwnedView, OddObjectsAreRead) {
  for (const char* text : {"{}", "[]", "null", R"({"metadata": 7, "kind": "Deployment"})",
                           R"({"metadata": {"ownerReferences": [1, {"controller": "yes"}]}})"}) {
    const OwnedObject owned = read_owned(json::parse(text));
    EXPECT_TRUE(owned.live.controller_uid.empty()) << text;
    EXPECT_EQ(owned.version, 0U);
  }
}

json pod() {
  return json::parse(R"({
    "metadata": {"name": "chat-1", "namespace": "talk", "uid": "p1", "resourceVersion": "9",
                 "labels": {"socketmesh.io/mesh": "chat"}, "annotations": {"a": "b"},
                 "managedFields": [{"manager": "kubelet"}]},
    "spec": {"initContainers": [{"name": "socketmesh", "image": "i", "restartPolicy": "Always"}],
             "containers": [{"name": "app"}]},
    "status": {"phase": "Running", "podIP": "10.0.0.5",
      "conditions": [{"type": "PodScheduled", "status": "True"},
                     {"type": "Ready", "status": "True", "lastTransitionTime": "x"}],
      "initContainerStatuses": [{"name": "socketmesh", "started": true, "image": "i"}]}})");
}

TEST(PodView, ReadsAMember) {
  json trimmed = pod();
  trim_pod(trimmed);
  EXPECT_LT(trimmed.dump().size(), pod().dump().size());
  for (const json& object : {pod(), trimmed}) {
    const PodRecord read = read_pod(object);
    EXPECT_EQ(read.name, "chat-1");
    EXPECT_EQ(read.mesh, "chat");
    EXPECT_EQ(read.address, "10.0.0.5");
    EXPECT_TRUE(read.ready);
    EXPECT_TRUE(read.sidecar);
    EXPECT_TRUE(read.sidecar_started);
    EXPECT_TRUE(read.member());
    EXPECT_FALSE(read.bare());
    EXPECT_EQ(read.version, 9U);
  }
}

TEST(PodView, BareIsWithoutSidecarAndNotByChoice) {
  json bare = pod();
  bare["spec"].erase("initContainers");
  EXPECT_TRUE(read_pod(bare).bare());
  EXPECT_FALSE(read_pod(bare).member());

  json chosen = bare;
  chosen["metadata"]["annotations"]["socketmesh.io/inject"] = "false";
  trim_pod(chosen);
  EXPECT_FALSE(read_pod(chosen).bare());
  for (const char* phase : {"Succeeded", "Failed"}) {
    json ended = bare;
    ended["status"]["phase"] = phase;
    EXPECT_FALSE(read_pod(ended).bare()) << phase;
  }
  json going = bare;
  going["metadata"]["deletionTimestamp"] = "2026-11-23T09:00:00Z";
  EXPECT_FALSE(read_pod(going).bare());
}

TEST(PodView, SameButVersion) {
  json later = pod();
  later["metadata"]["resourceVersion"] = "10";
  EXPECT_TRUE(read_pod(later).same_but_version(read_pod(pod())));
  later["status"]["podIP"] = "10.0.0.6";
  EXPECT_FALSE(read_pod(later).same_but_version(read_pod(pod())));
}

TEST(MeshView, OnlyTheStatusIsNoReasonToReconcile) {
  const json object = json::parse(kChat);
  const MeshRecord before = read_mesh(object);
  EXPECT_EQ(before.key(), "talk/chat");
  EXPECT_EQ(before.version, 77U);
  EXPECT_TRUE(before.problems.empty());

  json later = object;
  later["metadata"]["resourceVersion"] = "78";
  later["status"] = {{"replicas", 3}};
  EXPECT_FALSE(read_mesh(later).wants_other(before));
  for (const char* patch :
       {R"({"metadata": {"generation": 5}})", R"({"metadata": {"annotations": {"a": "b"}}})",
        R"({"metadata": {"labels": {"a": "b"}}})", R"({"metadata": {"uid": "other"}})",
        R"({"metadata": {"deletionTimestamp": "2026-11-23T09:00:00Z"}})"}) {
    json changed = object;
    changed.merge_patch(json::parse(patch));
    EXPECT_TRUE(read_mesh(changed).wants_other(before)) << patch;
  }
}

TEST(MeshView, AnInvalidSpecKeepsMetadataAndStatus) {
  json object = json::parse(kChat);
  object["spec"]["port"] = "many";
  object["status"] = {{"readyReplicas", 2}};
  const MeshRecord record = read_mesh(object);
  EXPECT_FALSE(record.problems.empty());
  EXPECT_EQ(record.key(), "talk/chat");
  EXPECT_EQ(record.mesh.status.ready_replicas, 2);
}

TEST(MeshView, TrimDropsWhatIsOnlyWeight) {
  json object = json::parse(kChat);
  object["metadata"]["managedFields"] = json::array({{{"manager", "kubectl"}}});
  object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  trim_mesh(object);
  EXPECT_FALSE(object["metadata"].contains("managedFields"));
  EXPECT_TRUE(object["metadata"]["annotations"].empty());
  json odd = json::array();
  EXPECT_NO_THROW(trim_mesh(odd));
}

}  // namespace
}  // namespace socketmesh::op::control

#include "operator/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "operator/plan/sidecar_revision.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const json kAutoscaling = {{"spec", {{"autoscaling", {{"minReplicas", 2}, {"maxReplicas", 9}}}}}};

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> result;
  for (const json& object : plan.objects) {
    const ObjectId id = id_of(object);
    result.push_back(id.kind + "/" + id.name);
  }
  return result;
}

std::vector<std::string> absent(const Plan& plan) {
  std::vector<std::string> result;
  for (const ObjectId& id : plan.absent) result.push_back(id.kind + "/" + id.name);
  return result;
}

json object_of(const Plan& plan, std::string_view kind) {
  for (const json& object : plan.objects) {
    if (object["kind"] == kind) return object;
  }
  return nullptr;
}

std::string text_of(const Plan& plan) {
  std::string text;
  for (const json& object : plan.objects) text += object.dump() + "\n";
  return text;
}

std::string hash_of(const json& object) {
  return object["metadata"]["annotations"][api::kHashAnnotation];
}

TEST(Plan, MakesWhatATemplateNeeds) {
  const Plan plan = make_plan(mesh_of(kChat), {}, {});
  EXPECT_THAT(names(plan),
              ElementsAre("RoleBinding/chat-mesh", "ConfigMap/chat-mesh", "Service/chat-mesh",
                          "NetworkPolicy/chat-mesh", "Service/chat", "Deployment/chat",
                          "PodDisruptionBudget/chat"));
  EXPECT_THAT(absent(plan), ElementsAre("HorizontalPodAutoscaler/chat", "Ingress/chat"));
  EXPECT_THAT(plan.findings, IsEmpty());
  EXPECT_FALSE(plan.hand_over);
  EXPECT_EQ(plan.selector, "socketmesh.io/managed=true,socketmesh.io/mesh=chat");
}

TEST(Plan, MakesNoPodsOfLabelledMeshes) {
  const Plan plan = make_plan(mesh_of(kLabelled), {}, {});
  EXPECT_THAT(names(plan),
              ElementsAre("RoleBinding/chat-mesh", "ConfigMap/chat-mesh", "Service/chat-mesh"));
  EXPECT_THAT(absent(plan), ElementsAre("HorizontalPodAutoscaler/chat", "PodDisruptionBudget/chat",
                                        "Ingress/chat", "NetworkPolicy/chat-mesh",
                                        "Deployment/chat", "Service/chat"));
  EXPECT_EQ(plan.selector, "socketmesh.io/mesh=chat");
}

TEST(Plan, KeepsAwayFromKindsThatAreNotServed) {
  const auto mentions = [](const json& patch, bool served) {
    Inputs inputs;
    inputs.pod_monitor_crd = served;
    const Plan plan = make_plan(mesh_of(kChat, patch), {}, inputs);
    const std::vector<std::string> planned = names(plan);
    const std::vector<std::string> unwanted = absent(plan);
    constexpr char kMonitor[] = "PodMonitor/chat-mesh";
    return std::pair(std::count(planned.begin(), planned.end(), kMonitor),
                     std::count(unwanted.begin(), unwanted.end(), kMonitor));
  };
  const json off = {{"spec", {{"monitoring", {{"podMonitor", false}}}}}};
  EXPECT_EQ(mentions({}, true), std::pair(1L, 0L));
  EXPECT_EQ(mentions(off, true), std::pair(0L, 1L));
  EXPECT_EQ(mentions({}, false), std::pair(0L, 0L));
  EXPECT_EQ(mentions(off, false), std::pair(0L, 0L));
}

TEST(Plan, EverythingIsOwnedLabelledAndHashed) {
  const json patch = {{"spec", {{"ingress", json::object()}}}};
  Inputs inputs;
  inputs.pod_monitor_crd = true;
  const Plan plan = make_plan(mesh_of(kChat, patch), {}, inputs);
  ASSERT_EQ(plan.objects.size(), 9U);
  std::set<std::string> hashes;
  for (const json& object : plan.objects) {
    const json& metadata = object["metadata"];
    EXPECT_EQ(metadata["namespace"], "talk");
    EXPECT_EQ(metadata["labels"][api::kMeshLabel], "chat");
    EXPECT_EQ(metadata["labels"]["app.kubernetes.io/managed-by"], "socketmesh-operator");
    EXPECT_EQ(metadata["ownerReferences"], json::parse(R"([{
      "apiVersion": "socketmesh.io/v1alpha1", "kind": "SocketMesh", "name": "chat", "uid": "3f1c",
      "controller": true, "blockOwnerDeletion": true}])"));
    hashes.insert(hash_of(object));
  }
  EXPECT_EQ(hashes.size(), plan.objects.size());
}

TEST(Plan, HasNoOwnerWithoutAServer) {
  const json patch = {{"metadata", {{"uid", nullptr}}}};
  for (const json& object : make_plan(mesh_of(kChat, patch), {}, {}).objects) {
    EXPECT_FALSE(object["metadata"].contains("ownerReferences"));
  }
}

TEST(Plan, TheSameInputGivesTheSameBytes) {
  constexpr char kOtherOrder[] = R"({
    "spec": {"template": {"spec": {"containers": [{"ports": [{"containerPort": 3000}],
      "image": "registry.example/chat:1", "name": "app"}]}, "metadata": {"labels": {"app": "chat"}}},
      "port": 3000, "replicas": 3},
    "metadata": {"uid": "3f1c", "namespace": "talk", "name": "chat", "resourceVersion": "78",
                 "generation": 5, "annotations": {"kubectl.kubernetes.io/x": "y"}},
    "status": {"replicas": 3},
    "kind": "SocketMesh", "apiVersion": "socketmesh.io/v1alpha1"})";
  const std::string text = text_of(make_plan(mesh_of(kChat), {}, {}));
  EXPECT_EQ(text_of(make_plan(mesh_of(kChat), {}, {})), text);
  EXPECT_EQ(text_of(make_plan(mesh_of(kOtherOrder), {}, {})), text);
}

TEST(Plan, OnlyWhatAChangeIsAboutGetsAnotherHash) {
  const Plan before = make_plan(mesh_of(kChat), {}, {});
  const Plan after = make_plan(mesh_of(kChat, {{"spec", {{"replicas", 4}}}}), {}, {});
  ASSERT_EQ(before.objects.size(), after.objects.size());
  for (std::size_t i = 0; i < before.objects.size(); ++i) {
    const bool same = before.objects[i]["kind"] != "Deployment";
    EXPECT_EQ(hash_of(before.objects[i]) == hash_of(after.objects[i]), same);
  }
}

// The pods of the old operator's sidecars stay.
TEST(Plan, AnotherOperatorChangesNoPod) {
  const auto mesh = mesh_of(kChat);
  Settings old_settings;
  old_settings.sidecar_image = "sidecar:1";
  const Plan old_plan = make_plan(mesh, old_settings, {});
  Settings new_settings;
  new_settings.sidecar_image = "sidecar:2";
  new_settings.sidecar_image_pull_policy = "Always";
  Inputs inputs;
  inputs.record = read_record(object_of(old_plan, "Deployment")["metadata"]);
  EXPECT_EQ(text_of(make_plan(mesh, new_settings, inputs)), text_of(old_plan));
  inputs.record->template_hash = "of another template";
  const Plan changed = make_plan(mesh, new_settings, inputs);
  EXPECT_EQ(changed.revision, "1+Always/sidecar:2");
  EXPECT_NE(text_of(changed), text_of(old_plan));
}

TEST(Plan, ReplicasAreTheAutoscalers) {
  const Plan plan = make_plan(mesh_of(kChat, kAutoscaling), {}, {});
  EXPECT_FALSE(object_of(plan, "Deployment")["spec"].contains("replicas"));
  const json spec = object_of(plan, "HorizontalPodAutoscaler")["spec"];
  EXPECT_EQ(spec["minReplicas"], 2);
  EXPECT_EQ(spec["maxReplicas"], 9);
  EXPECT_FALSE(spec.contains("metrics"));
  EXPECT_EQ(spec["scaleTargetRef"]["kind"], "Deployment");
  EXPECT_EQ(object_of(make_plan(mesh_of(kChat), {}, {}), "Deployment")["spec"]["replicas"], 3);
}

TEST(Plan, HandsReplicasOverBeforeItLeavesThemOut) {
  const auto hand_over = [](const json& patch, std::int32_t replicas, bool owned) {
    Inputs inputs;
    inputs.deployment = LiveDeployment{replicas, owned};
    return make_plan(mesh_of(kChat, patch), {}, inputs).hand_over.value_or(json());
  };
  EXPECT_EQ(hand_over(kAutoscaling, 4, true), json::parse(R"({
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "chat", "namespace": "talk"}, "spec": {"replicas": 4}})"));
  EXPECT_EQ(hand_over(kAutoscaling, 4, false), json());
  EXPECT_EQ(hand_over({}, 4, true), json());
  // An autoscaler leaves 0 replicas alone, for ever.
  EXPECT_EQ(hand_over(kAutoscaling, 0, true)["spec"]["replicas"], 2);
}

TEST(Plan, TellsTheSidecarHowToRecover) {
  const json patch = {{"spec", {{"recovery", {{"replicas", 2}}}}}};
  const Plan plan = make_plan(mesh_of(kChat, patch), {}, {});
  EXPECT_TRUE(plan.findings.empty());
  EXPECT_THAT(object_of(plan, "ConfigMap").dump(),
              HasSubstr("recovery: {window: \\\"120000ms\\\", memory: 67108864, replicas: 2}"));
  EXPECT_THAT(object_of(plan, "Deployment").dump(), HasSubstr("SOCKETMESH_RECOVERY_NODE"));
}

TEST(Plan, TurningDropInOnAdoptsTheNewestSidecar) {
  const json patch = {{"spec", {{"dropIn", json::object()}}}};
  const Record record{template_hash(mesh_of(kChat)), "1/sidecar:old"};
  Inputs inputs;
  inputs.record = record;
  EXPECT_EQ(make_plan(mesh_of(kChat), {}, inputs).revision, "1/sidecar:old");
  EXPECT_NE(make_plan(mesh_of(kChat, patch), {}, inputs).revision, "1/sidecar:old");
}

TEST(OwnsReplicas, AsksForOurAppliedField) {
  const auto entry = [](const char* manager, const char* operation, const char* subresource) {
    return json::array({{{"manager", manager},
                         {"operation", operation},
                         {"subresource", subresource},
                         {"fieldsV1", {{"f:spec", {{"f:replicas", json::object()}}}}}}});
  };
  EXPECT_TRUE(owns_replicas(entry("socketmesh-operator", "Apply", "")));
  EXPECT_FALSE(owns_replicas(entry("socketmesh-operator", "Update", "")));
  EXPECT_FALSE(owns_replicas(entry("socketmesh-replicas", "Apply", "")));
  EXPECT_FALSE(owns_replicas(entry("socketmesh-operator", "Apply", "scale")));
  json other = entry("socketmesh-operator", "Apply", "");
  other[0]["fieldsV1"]["f:spec"] = {{"f:template", json::object()}};
  EXPECT_FALSE(owns_replicas(other));
  EXPECT_FALSE(owns_replicas(nullptr));
  EXPECT_FALSE(owns_replicas(json::array({1})));
}

}  // namespace
}  // namespace socketmesh::op::plan

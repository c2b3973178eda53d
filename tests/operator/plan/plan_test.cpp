#include "operator/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/plan/sidecar_pod.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

TEST(Plan, MakesWhatATemplateNeeds) {
  const Plan plan = make_plan(mesh_of(kChat), {}, {});
  EXPECT_THAT(names(plan),
              ElementsAre("RoleBinding/chat-mesh", "ConfigMap/chat-mesh", "Service/chat-mesh",
                          "NetworkPolicy/chat-mesh", "Service/chat", "Deployment/chat",
                          "PodDisruptionBudget/chat"));
  EXPECT_THAT(absent(plan), ElementsAre("HorizontalPodAutoscaler/chat", "Ingress/chat"));
  EXPECT_THAT(plan.findings, IsEmpty());
  EXPECT_FALSE(plan.hand_over);
}

TEST(Plan, MakesNoPodsOfLabelledMeshes) {
  const Plan plan = make_plan(mesh_of(kLabelled), {}, {});
  EXPECT_THAT(names(plan),
              ElementsAre("RoleBinding/chat-mesh", "ConfigMap/chat-mesh", "Service/chat-mesh"));
  EXPECT_THAT(absent(plan), ElementsAre("HorizontalPodAutoscaler/chat", "PodDisruptionBudget/chat",
                                        "Ingress/chat", "NetworkPolicy/chat-mesh",
                                        "Deployment/chat", "Service/chat"));
}

}  // namespace
}  // namespace socketmesh::op::plan

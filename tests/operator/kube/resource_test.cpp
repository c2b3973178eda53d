#include "operator/kube/resource.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(ResourceTest, KnowsWhereThingsLive) {
  EXPECT_EQ(collection_path(kPods, ""), "/api/v1/pods");
  EXPECT_EQ(collection_path(kPods, "default"), "/api/v1/namespaces/default/pods");
  EXPECT_EQ(collection_path(kMutatingWebhooks, "ignored"),
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations");
  EXPECT_EQ(object_path({kSocketMeshes, "default", "chat"}, "status"),
            "/apis/socketmesh.io/v1alpha1/namespaces/default/socketmeshes/chat/status");
  // Names come from users: none can leave its segment.
  EXPECT_EQ(object_path({kPods, "a/b", "../c?d"}), "/api/v1/namespaces/a%2Fb/pods/..%2Fc%3Fd");
}

TEST(ResourceTest, FindsAResourceByItsKind) {
  EXPECT_EQ(*find_resource("apps/v1", "Deployment"), kDeployments);
  EXPECT_EQ(*find_resource("v1", "Service"), kServices);
  EXPECT_EQ(find_resource("apps/v1beta1", "Deployment"), nullptr);
  EXPECT_EQ(find_resource("v1", "Deployment"), nullptr);
}

TEST(ResourceTest, ReadsWhereAManifestGoes) {
  json manifest{
      {"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "a"}, {"namespace", "b"}}}};
  const auto ref = ref_of(manifest);
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->to_string(), "Secret b/a");
  manifest["metadata"].erase("namespace");
  EXPECT_THAT(ref_of(manifest).error(), HasSubstr("no metadata.namespace"));
  manifest["metadata"] = 1;
  EXPECT_THAT(ref_of(manifest).error(), HasSubstr("no metadata"));
  manifest["kind"] = 7;
  EXPECT_THAT(ref_of(manifest).error(), HasSubstr("no resource is known"));
  const auto cluster_wide = ref_of({{"apiVersion", "v1"},
                                    {"kind", "Namespace"},
                                    {"metadata", {{"name", "a"}, {"namespace", "b"}}}});
  ASSERT_TRUE(cluster_wide);
  EXPECT_EQ(cluster_wide->to_string(), "Namespace a");
}

}  // namespace
}  // namespace socketmesh::op::kube

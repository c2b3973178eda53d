#include "operator/plan/sidecar_revision.hpp"

#include <gtest/gtest.h>

#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

constexpr char kOld[] = "1/registry.example/sidecar:0.0.9";

Settings settings() {
  Settings settings;
  settings.sidecar_image = "registry.example/sidecar:2";
  return settings;
}

// What is chosen for the chat mesh after a change, when the running pods are of the chat mesh.
std::string chosen(const json& patch, Record record = {template_hash(mesh_of(kChat)), kOld}) {
  return choose_revision(mesh_of(kChat, patch), settings(), record).to_string();
}

TEST(SidecarRevision, IsAText) {
  for (const SidecarRevision& revision :
       {SidecarRevision{1, "localhost/sidecar:e2e", ""},
        SidecarRevision{1, "r.example:5000/a/b@sha256:00", "Always"}}) {
    EXPECT_EQ(SidecarRevision::parse(revision.to_string()), revision);
  }
  EXPECT_EQ((SidecarRevision{1, "a/b", "Never"}).to_string(), "1+Never/a/b");
  EXPECT_EQ((SidecarRevision{1, "a/b", ""}).to_string(), "1/a/b");
}

TEST(SidecarRevision, RefusesWhatItNeverWrote) {
  for (const char* text :
       {"", "1", "1/", "/a", "0/a", "01/a", "x/a", "1+/a", "-1/a", "+Always/a"}) {
    EXPECT_FALSE(SidecarRevision::parse(text)) << text;
  }
  EXPECT_TRUE(SidecarRevision::parse(std::to_string(kShape) + "/a"));
  EXPECT_FALSE(SidecarRevision::parse(std::to_string(kShape + 1) + "/a"));
}

// An operator upgrade brings new settings and no change of the mesh.
TEST(SidecarRevision, StaysWhenTheOperatorChanges) {
  EXPECT_EQ(chosen({}), kOld);
  EXPECT_EQ(chosen({{"spec", {{"replicas", 9}, {"port", 1}, {"service", {{"type", "NodePort"}}}}}}),
            kOld);
}

TEST(SidecarRevision, IsNewForNewPods) {
  constexpr char kNew[] = "1/registry.example/sidecar:2";
  EXPECT_EQ(choose_revision(mesh_of(kChat), settings(), std::nullopt).to_string(), kNew);
  EXPECT_EQ(chosen({{"spec", {{"template", {{"metadata", {{"labels", {{"v", "2"}}}}}}}}}}), kNew);
  EXPECT_EQ(chosen({{"spec", {{"sidecar", {{"logLevel", "debug"}}}}}}), kNew);
  EXPECT_EQ(chosen({{"metadata", {{"annotations", {{api::kUpgradeAnnotation, "true"}}}}}}), kNew);
  EXPECT_EQ(chosen({{"metadata", {{"annotations", {{api::kUpgradeAnnotation, "false"}}}}}}), kOld);
}

TEST(SidecarRevision, TakesTheMeshesOwnImage) {
  EXPECT_EQ(chosen({{"spec", {{"sidecar", {{"image", "mine:1"}}}}}}), "1/mine:1");
}

// Somebody removed the annotations from the Deployment: no reason to restart its pods.
TEST(SidecarRevision, IsInTheStatusToo) {
  const json status = {{"status", {{"sidecarRevision", "1/registry.example/sidecar:0.0.8"}}}};
  EXPECT_EQ(chosen(status, {}), "1/registry.example/sidecar:0.0.8");
  EXPECT_EQ(chosen(status), kOld);
  EXPECT_EQ(chosen({}, {}), "1/registry.example/sidecar:2");
}

TEST(SidecarRevision, AShapeThatIsNotKnownIsLeftBehind) {
  const Record record{template_hash(mesh_of(kChat)), std::to_string(kShape + 1) + "/a"};
  EXPECT_EQ(chosen({}, record), "1/registry.example/sidecar:2");
}

TEST(TemplateHash, IsAboutTemplateAndSidecar) {
  const std::string hash = template_hash(mesh_of(kChat));
  EXPECT_EQ(hash.size(), 32U);
  EXPECT_EQ(template_hash(mesh_of(kChat, {{"spec", {{"replicas", 9}}}})), hash);
  EXPECT_EQ(template_hash(mesh_of(kChat, {{"spec", {{"sidecar", {{"logLevel", "info"}}}}}})), hash);
  EXPECT_NE(template_hash(mesh_of(kChat, {{"spec", {{"sidecar", {{"image", "x"}}}}}})), hash);
  EXPECT_NE(template_hash(mesh_of(kLabelled)), hash);
}

TEST(Record, IsReadFromTheObjectThatHasIt) {
  EXPECT_EQ(record_id(mesh_of(kChat)), (ObjectId{"apps/v1", "Deployment", "talk", "chat"}));
  EXPECT_EQ(record_id(mesh_of(kLabelled)), (ObjectId{"v1", "ConfigMap", "talk", "chat-mesh"}));
  EXPECT_EQ(read_record({{"annotations",
                          {{"socketmesh.io/template-hash", "h"},
                           {"socketmesh.io/sidecar-revision", "1/a"}}}}),
            (Record{"h", "1/a"}));
  EXPECT_EQ(read_record(nullptr), Record());
}

}  // namespace
}  // namespace socketmesh::op::plan

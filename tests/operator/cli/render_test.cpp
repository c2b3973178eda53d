#include "operator/cli/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "operator/cli/manifest.hpp"

namespace socketmesh::op::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kMesh[] =
    "apiVersion: socketmesh.io/v1alpha1\n"
    "kind: SocketMesh\n"
    "metadata: {name: chat}\n"
    "spec:\n"
    "  template: {spec: {containers: [{name: app, image: x}]}}\n";

RenderCommand command(std::string namespace_name = "") {
  RenderCommand command;
  command.file = "mesh.yaml";
  command.namespace_name = std::move(namespace_name);
  return command;
}

std::string rendered(std::string_view text, const RenderCommand& asked = command()) {
  const auto result = render(asked, text);
  if (result) return result->text;
  ADD_FAILURE() << config::to_string(result.error());
  return {};
}

std::string problems_of(std::string_view text, const RenderCommand& asked = command()) {
  const auto result = render(asked, text);
  return result ? "" : config::to_string(result.error());
}

std::vector<nlohmann::json> objects_of(const std::string& text) {
  const auto documents = parse_manifest("out", text);
  std::vector<nlohmann::json> objects;
  if (!documents) {
    ADD_FAILURE() << config::to_string(documents.error());
    return objects;
  }
  for (const Document& document : *documents) objects.push_back(document.object);
  return objects;
}

TEST(Render, WritesDocumentsForAnyCluster) {
  const auto objects = objects_of(rendered(kMesh));
  std::vector<std::string> kinds;
  for (const auto& object : objects) {
    kinds.push_back(object["kind"]);
    EXPECT_EQ(object["metadata"]["namespace"], "default");
    EXPECT_FALSE(object["metadata"].contains("ownerReferences"));
  }
  EXPECT_THAT(kinds, ElementsAre("RoleBinding", "ConfigMap", "Service", "NetworkPolicy",
                                 "Deployment", "PodDisruptionBudget"));
}

TEST(Render, SaysWhatTheOperatorMakesBesides) {
  const std::string text = rendered(kMesh);
  EXPECT_TRUE(text.starts_with("# SocketMesh default/chat. The operator makes besides:\n"));
  EXPECT_THAT(text, HasSubstr("#   Secret chat-mesh-ca, the mesh's CA, mounted nowhere\n"));
  EXPECT_THAT(text, HasSubstr("#   Secret chat-mesh-tls,"));
  EXPECT_THAT(text, HasSubstr("#   PodMonitor chat-mesh, where the cluster knows PodMonitors\n"));
  const std::string off = std::string(kMesh) + "  monitoring: {podMonitor: false}\n";
  EXPECT_THAT(rendered(off), Not(HasSubstr("PodMonitor")));
}

TEST(Render, TheNamespaceIsTheFilesOrTheFlags) {
  const std::string named =
      "kind: SocketMesh\napiVersion: socketmesh.io/v1alpha1\nspec: {}\n"
      "metadata: {name: chat, namespace: talk}\n";
  EXPECT_THAT(rendered(kMesh, command("talk")), HasSubstr("system:serviceaccounts:talk"));
  EXPECT_THAT(rendered(named), HasSubstr("system:serviceaccounts:talk"));
  EXPECT_THAT(rendered(named, command("talk")), HasSubstr("system:serviceaccounts:talk"));
  EXPECT_EQ(problems_of(named, command("other")),
            "mesh.yaml:4: metadata.namespace: 'talk' is not --namespace 'other'\n");
  for (const auto& bad : {std::string("Talk"), std::string("a.b"), std::string("-a"),
                          std::string("a-"), std::string(64, 'a')}) {
    EXPECT_THAT(problems_of(kMesh, command(bad)), HasSubstr("is no namespace's name")) << bad;
  }
  EXPECT_EQ(problems_of(kMesh, command(std::string(63, 'a'))), "");
}

TEST(Render, TakesAnImage) {
  RenderCommand asked = command();
  asked.settings.sidecar_image = "registry.example/sidecar:9";
  EXPECT_THAT(rendered(kMesh, asked), HasSubstr("image: registry.example/sidecar:9\n"));
}

TEST(Render, TakesWhatKubectlPrints) {
  const std::string text = rendered(
      R"({"apiVersion": "socketmesh.io/v1alpha1", "kind": "SocketMesh",
          "metadata": {"name": "chat", "namespace": "talk", "uid": "3f1c", "generation": 2,
                       "managedFields": [{"manager": "kubectl"}]},
          "spec": {}, "status": {"sidecarRevision": "1/old"}})");
  EXPECT_THAT(text, HasSubstr("namespace: talk\n"));
  EXPECT_THAT(text, Not(HasSubstr("ownerReferences")));
}

TEST(Render, TakesManyMeshes) {
  const std::string two = std::string(kMesh) + "---\n# nothing\n---\n" +
                          "apiVersion: socketmesh.io/v1alpha1\nkind: SocketMesh\n"
                          "metadata: {name: games}\nspec: {}\n";
  std::set<std::string> meshes;
  for (const auto& object : objects_of(rendered(two))) {
    meshes.insert(object["metadata"]["labels"]["socketmesh.io/mesh"]);
  }
  EXPECT_THAT(meshes, ElementsAre("chat", "games"));
}

TEST(Render, TellsFileAndLine) {
  EXPECT_EQ(problems_of(""), "mesh.yaml: holds no SocketMesh\n");
  EXPECT_EQ(problems_of(std::string(kMesh) + "  port: 7400\n  repicas: 3\n---\nkind: Pod\n"),
            "mesh.yaml:6: spec.port: 7400 is the sidecar's; take another port\n"
            "mesh.yaml:7: spec.repicas: is not a field here; known are autoscaling, disruption, "
            "dropIn, ingress, monitoring, networkPolicy, port, recovery, replicas, service, "
            "sidecar, template, tls\n"
            "mesh.yaml:9: apiVersion: is missing; write socketmesh.io/v1alpha1\n"
            "mesh.yaml:9: kind: 'Pod' is not ours; write SocketMesh\n");
  RenderCommand from_stdin = command();
  from_stdin.file = "-";
  EXPECT_EQ(problems_of("a: [", from_stdin).substr(0, 8), "stdin:1:");
}

TEST(Render, WarnsOfWhatThereIsNot) {
  EXPECT_THAT(render(command(), kMesh)->warnings, IsEmpty());
}

// The documents of a YAML file, as they are written in ours.
std::vector<std::string> documents_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> documents(1);
  for (std::string line; std::getline(file, line);) {
    if (line == "---")
      documents.emplace_back();
    else
      documents.back() += line + "\n";
  }
  return documents;
}

// Every SocketMesh that we show people, also beside objects of other kinds.
TEST(Render, TakesTheExamples) {
  int meshes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SOCKETMESH_SOURCE_DIR "/examples")) {
    for (const std::string& document : documents_of(entry.path())) {
      if (document.find("kind: SocketMesh") == std::string::npos) continue;
      ++meshes;
      const auto result = render(command("talk"), document);
      ASSERT_TRUE(result) << entry.path() << "\n" << config::to_string(result.error());
      EXPECT_THAT(result->warnings, IsEmpty());
    }
  }
  EXPECT_GE(meshes, 6);
}

}  // namespace
}  // namespace socketmesh::op::cli

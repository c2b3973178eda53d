// The ConfigMap that the operator writes is one that the sidecar reads: tried on the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "operator/plan/sidecar_pod.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::HasSubstr;

constexpr char kBinary[] = SOCKETMESH_BIN_DIR "/socketmesh-sidecar";
const SidecarRevision kRevision{1, "sidecar:1", ""};

struct Outcome {
  int code = -1;
  std::string text;  // both streams
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* stream = ::popen((command + " 2>&1").c_str(), "r");
  if (stream == nullptr) return outcome;
  std::array<char, 4096> bytes{};
  while (std::fgets(bytes.data(), bytes.size(), stream) != nullptr) outcome.text += bytes.data();
  const int status = ::pclose(stream);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

// The container's variables, as the kubelet expands them for some pod.
std::string variables(const api::SocketMesh& mesh) {
  std::string text;
  const json container = sidecar_container(mesh, kRevision, "");
  for (const json& variable : container["env"]) {
    const std::string name = variable["name"];
    std::string value = variable.value("value", "some-pod");
    if (name == "SOCKETMESH_MESH_ID") value = "chat-7c9d-x2/3f1c2a6e-0000-4000-8000-000000000001";
    text += name + "='" + value + "' ";
  }
  return text;
}

// Mounted files are elsewhere here; the sidecar reads them when it checks.
Outcome check(const api::SocketMesh& mesh, const std::string& config) {
  net::TestCertificates certificates;
  const auto files = certificates.make("leaf");
  const std::string path = certificates.folder() + "/socketmesh.yaml";
  std::ofstream(path) << config;
  return run(variables(mesh) + "SOCKETMESH_TLS_CA=" + files.ca +
             " SOCKETMESH_TLS_CERT=" + files.cert + " SOCKETMESH_TLS_KEY=" + files.key + " " +
             kBinary + " --config " + path + " --check-config");
}

class SidecarConfig : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kBinary)) GTEST_SKIP() << kBinary << " is not built";
  }
};

TEST_F(SidecarConfig, IsAccepted) {
  for (const api::SocketMesh& mesh :
       {mesh_of(kChat), mesh_of(kLabelled, {{"spec", {{"sidecar", {{"logLevel", "debug"}}}}}})}) {
    const Outcome outcome = check(mesh, sidecar_config(mesh));
    EXPECT_EQ(outcome.code, 0) << outcome.text;
    EXPECT_THAT(outcome.text, HasSubstr("is valid"));
  }
}

TEST_F(SidecarConfig, WouldNotBeWithASectionTooMany) {
  const auto mesh = mesh_of(kChat);
  const Outcome outcome = check(mesh, sidecar_config(mesh) + "other: {}\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.text, HasSubstr("other"));
}

TEST(SidecarConfigText, NamesTheMeshItsServiceAndItsFiles) {
  const std::string text = sidecar_config(mesh_of(kChat));
  for (const char* line : {"mesh: {name: \"chat\"}\n", "    namespace: \"talk\"\n",
                           "    service: \"chat-mesh\"\n", "  ca: \"/etc/socketmesh/tls/ca.crt\"\n",
                           "app: {listen: \"unix:/var/run/socketmesh/app.sock\"}"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace socketmesh::op::plan

// golden/<name>.in.yaml, a SocketMesh and what the plan knows of the cluster, makes
// golden/<name>.yaml: what else the plan says, then its objects. After a change that is meant:
//
//   SOCKETMESH_UPDATE_GOLDEN=1 build/release/tests/tests_operator --gtest_filter='Golden*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "operator/api/json_access.hpp"
#include "operator/cli/manifest.hpp"
#include "operator/cli/yaml_writer.hpp"
#include "operator/plan/plan.hpp"
#include "operator/plan/sidecar_revision.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = SOCKETMESH_SOURCE_DIR "/tests/operator/plan/golden";
constexpr std::string_view kInputEnd = ".in.yaml";

std::string read(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> inputs() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(kInputEnd)) {
      names.push_back(name.substr(0, name.size() - kInputEnd.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// "unchanged" stands for the hash of the template that is there.
std::optional<Record> record_of(const json& known, const api::SocketMesh& mesh) {
  if (!known.contains("record")) return std::nullopt;
  Record record{known["record"]["templateHash"], known["record"]["sidecarRevision"]};
  if (record.template_hash == "unchanged") record.template_hash = template_hash(mesh);
  return record;
}

Plan plan_of(const api::SocketMesh& mesh, const json& known) {
  Settings settings;
  settings.sidecar_image = "registry.example/sidecar:1.0";
  settings.sidecar_image_pull_policy = api::text_at(known, "imagePullPolicy");
  Inputs inputs;
  inputs.pod_monitor_crd = known.value("podMonitorCrd", false);
  inputs.record = record_of(known, mesh);
  if (known.contains("deployment")) {
    inputs.deployment =
        LiveDeployment{known["deployment"]["replicas"], known["deployment"]["ownsReplicas"]};
  }
  return make_plan(mesh, settings, inputs);
}

std::string text_of(const Plan& plan) {
  json rest = {{"revision", plan.revision}, {"selector", plan.selector}};
  for (const ObjectId& id : plan.absent) {
    rest["absent"].push_back(id.api_version + " " + id.kind + " " + id.namespace_name + "/" +
                             id.name);
  }
  for (const Finding& finding : plan.findings) {
    rest["findings"].push_back(finding.reason + ": " + finding.message);
  }
  if (plan.hand_over) rest["handOver"] = *plan.hand_over;
  std::string text = "# Made by golden_test.cpp.\n" + cli::to_yaml(rest);
  for (const json& object : plan.objects) text += "---\n" + cli::to_yaml(object);
  return text;
}

// The first line that differs, from either side.
std::string first_difference(const std::string& golden, const std::string& planned) {
  std::istringstream left(golden);
  std::istringstream right(planned);
  std::string a;
  std::string b;
  for (int line = 1;; ++line) {
    const bool more_a = static_cast<bool>(std::getline(left, a));
    const bool more_b = static_cast<bool>(std::getline(right, b));
    if (!more_a && !more_b) return "only in the ends of lines";
    if (!more_a) a = "<end>";
    if (!more_b) b = "<end>";
    if (a != b) return "line " + std::to_string(line) + "\n  golden:  " + a + "\n  planned: " + b;
  }
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, IsWhatThePlanSays) {
  const fs::path file = fs::path(kFolder) / GetParam();
  const auto documents =
      cli::parse_manifest(GetParam(), read(file.string() + std::string(kInputEnd)));
  ASSERT_TRUE(documents) << config::to_string(documents.error());
  const json known = documents->size() > 1 ? documents->at(1).object : json::object();
  const std::string planned = text_of(plan_of(parsed(documents->at(0).object), known));
  const std::string golden = file.string() + ".yaml";
  if (std::getenv("SOCKETMESH_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << planned;
  EXPECT_TRUE(read(golden) == planned) << first_difference(read(golden), planned);
}

INSTANTIATE_TEST_SUITE_P(Plans, Golden, testing::ValuesIn(inputs()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Goldens, AreThere) {
  EXPECT_GE(inputs().size(), 7U);
}

}  // namespace
}  // namespace socketmesh::op::plan

// The CRD and the parser say the same: fields, defaults, choices and limits. What the rules (CEL)
// say is tried on a real API server (e2e), with the resources of invalid/ that invalid_test.cpp
// gives to the parser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "operator/api/socket_mesh.hpp"
#include "operator/cli/manifest.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::api {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kFile[] = SOCKETMESH_SOURCE_DIR "/crds/socketmeshes.socketmesh.io.yaml";
constexpr std::uintmax_t kFileBytesMax = 64U << 10U;

// Every object of the spec, so that there is a place for each of its fields.
constexpr char kEverything[] = R"({
  "template": {"spec": {"containers": [{"name": "app"}]}}, "port": 3000,
  "service": {}, "ingress": {}, "sidecar": {"resources": {}}, "dropIn": {}, "recovery": {},
  "tls": {}, "autoscaling": {"maxReplicas": 2147483647, "metrics": [{"type": "Pods"}]},
  "disruption": {},
  "monitoring": {"from": {
    "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
    "podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}}}})";

const json& crd() {
  static const json object = [] {
    std::ifstream file(kFile);
    std::stringstream text;
    text << file.rdbuf();
    const auto documents = cli::parse_manifest(kFile, text.str());
    if (!documents) throw std::runtime_error(config::to_string(documents.error()));
    return documents->at(0).object;
  }();
  return object;
}

const json& version() {
  return crd()["spec"]["versions"][0];
}
const json& schema() {
  return version()["schema"]["openAPIV3Schema"];
}
const json& spec_schema() {
  return schema()["properties"]["spec"];
}

bool keeps_unknown(const json& node) {
  return node.value("x-kubernetes-preserve-unknown-fields", false);
}

// Calls `visit` with the JSON pointer (relative to the spec) and the schema of every field; items
// of lists are "0". What is only passed on (preserved unknown fields) is left out unless asked.
using Visit = std::function<void(const json::json_pointer&, const json&)>;
void walk(const json& node, const json::json_pointer& at, bool preserved, const Visit& visit) {
  if (keeps_unknown(node) && !preserved) return;
  if (const auto found = node.find("properties"); found != node.end()) {
    for (const auto& [name, field] : found->items()) {
      visit(at / name, field);
      walk(field, at / name, preserved, visit);
    }
  }
  if (node.contains("items")) walk(node["items"], at / 0, preserved, visit);
}
void walk_spec(const Visit& visit) {
  walk(spec_schema(), json::json_pointer(), false, visit);
}

// "spec.monitoring.from", "spec.autoscaling.metrics[0].type".
std::string path_of(const json::json_pointer& at) {
  std::string path = "spec";
  std::istringstream parts(at.to_string());
  std::string part;
  std::getline(parts, part, '/');
  while (std::getline(parts, part, '/')) path += part == "0" ? "[0]" : "." + part;
  return path;
}

// What the parser says about the mesh with everything, after one change.
std::string problems_with(const json::json_pointer& at, const json& value) {
  json object = json::parse(kLabelled);
  object["spec"] = json::parse(kEverything);
  object["spec"][at] = value;
  const auto mesh = parse(object, UnknownFields::kRefuse);
  return mesh ? "" : to_string(mesh.error());
}

// Fills in the defaults as the API server does, outermost first.
void apply_defaults(json& value, const json& node) {
  if (!value.is_object() || !node.contains("properties")) return;
  for (const auto& [name, field] : node["properties"].items()) {
    if (!value.contains(name) && field.contains("default")) value[name] = field["default"];
    if (value.contains(name)) apply_defaults(value[name], field);
  }
}

TEST(Crd, HasTheNamesThatTheOperatorUses) {
  const json& spec = crd()["spec"];
  EXPECT_EQ(crd()["metadata"]["name"], std::string(kPlural) + "." + kGroup);
  EXPECT_EQ(spec["group"], kGroup);
  EXPECT_EQ(spec["names"]["kind"], kKind);
  EXPECT_EQ(spec["names"]["plural"], kPlural);
  EXPECT_EQ(spec["names"]["shortNames"], json::array({"smesh"}));
  EXPECT_EQ(version()["name"], kVersion);
  EXPECT_EQ(version()["subresources"]["scale"]["labelSelectorPath"], ".status.selector");
  std::vector<std::string> columns;
  for (const json& column : version()["additionalPrinterColumns"]) {
    if (column.value("priority", 0) == 0) columns.push_back(column["name"]);
  }
  EXPECT_THAT(columns, testing::ElementsAre("Desired", "Ready", "Members", "Converged", "Age"));
}

// An object must fit into an annotation (262,144 bytes) beside others; and people read it.
TEST(Crd, IsSmall) {
  EXPECT_LT(std::filesystem::file_size(kFile), kFileBytesMax);
}

TEST(Crd, DescribesEveryField) {
  for (const char* part : {"spec", "status"}) {
    const json& root = schema()["properties"][part];
    EXPECT_FALSE(root.value("description", "").empty());
    walk(root, json::json_pointer(), true, [&](const auto& at, const json& field) {
      const std::string text = field.value("description", "");
      EXPECT_GE(text.size(), 5U) << part << at;
      EXPECT_TRUE(text.ends_with('.')) << part << at;
    });
  }
}

TEST(Crd, EveryRuleSaysWhatToDo) {
  const std::function<void(const json&)> check = [&](const json& node) {
    if (node.is_object() && node.contains("rule")) {
      EXPECT_GE(node.value("message", "").size(), 20U) << node["rule"];
    }
    if (!node.is_structured()) return;
    for (const json& child : node) check(child);
  };
  check(schema());
}

// The parser lists the fields that it knows when it meets another.
TEST(Crd, HasTheFieldsOfTheParser) {
  const auto check = [](const json::json_pointer& at, const json& node) {
    if (keeps_unknown(node) || !node.contains("properties")) return;
    std::string known;
    for (const auto& [name, field] : node["properties"].items()) {
      known += (known.empty() ? "" : ", ") + name;
    }
    EXPECT_THAT(problems_with(at / "zzz", 1),
                HasSubstr(path_of(at / "zzz") + ": is not a field here; known are " + known));
  };
  check(json::json_pointer(), spec_schema());
  walk_spec([&](const auto& at, const json& field) {
    check(at, field);
    if (field.contains("items")) check(at / 0, field["items"]);
  });
}

TEST(Crd, EverythingIsValid) {
  EXPECT_EQ(problems_with(json::json_pointer("/port"), 3000), "");
}

TEST(Crd, HasTheDefaultsOfTheParser) {
  for (const std::string text :
       {"{}", kEverything, R"({"port": 1, "ingress": {}, "recovery": {}, "dropIn": {}})",
        R"({"tls": {"leafValidity": "1h"}})"}) {
    json given = json::parse(kLabelled);
    given["spec"] = json::parse(text);
    json defaulted = given;
    apply_defaults(defaulted["spec"], spec_schema());
    EXPECT_EQ(parsed(given).spec, parsed(defaulted).spec) << text;
  }
}

TEST(Crd, TheDefaultsOfObjectsAreGiven) {
  json spec = json::object();
  apply_defaults(spec, spec_schema());
  EXPECT_EQ(spec, json::parse(R"({
    "replicas": 1, "service": {"type": "ClusterIP", "sessionAffinity": "None"},
    "sidecar": {"logLevel": "info", "resources": {}}, "tls": {"leafValidity": "24h"},
    "monitoring": {"podMonitor": true}})"));
}

TEST(Crd, HasTheChoicesOfTheParser) {
  int seen = 0;
  walk_spec([&](const auto& at, const json& field) {
    if (!field.contains("enum")) return;
    ++seen;
    for (const json& choice : field["enum"]) {
      EXPECT_THAT(problems_with(at, choice), Not(HasSubstr("is not one of"))) << at << choice;
    }
    EXPECT_THAT(problems_with(at, "Other"), HasSubstr(path_of(at) + ": 'Other' is not one of"));
  });
  EXPECT_EQ(seen, 6);
}

TEST(Crd, HasTheRangesOfTheParser) {
  int seen = 0;
  walk_spec([&](const auto& at, const json& field) {
    if (field.value("type", "") != "integer") return;
    ++seen;
    ASSERT_TRUE(field.contains("minimum")) << at;
    const auto min = field["minimum"].get<std::int64_t>();
    const auto max = field.value("maximum", std::int64_t{2'147'483'647});
    const std::string complaint = path_of(at) + ": ";
    EXPECT_THAT(problems_with(at, min - 1), HasSubstr(complaint)) << at;
    EXPECT_THAT(problems_with(at, max + 1), HasSubstr(complaint)) << at;
    EXPECT_THAT(problems_with(at, max), Not(HasSubstr(complaint + std::to_string(max)))) << at;
    EXPECT_THAT(problems_with(at, min), Not(HasSubstr(complaint + std::to_string(min)))) << at;
  });
  EXPECT_EQ(seen, 5);
}

TEST(Crd, HasTheLengthsOfTheParser) {
  int texts = 0;
  int lists = 0;
  walk_spec([&](const auto& at, const json& field) {
    if (field.contains("maxLength") && !field.contains("x-kubernetes-validations")) {
      ++texts;
      const auto max = field["maxLength"].get<std::size_t>();
      EXPECT_THAT(problems_with(at, "/" + std::string(max - 1, 'x')), Not(HasSubstr("too long")));
      EXPECT_THAT(problems_with(at, "/" + std::string(max, 'x')),
                  HasSubstr(path_of(at) + ": is too long; at most " + std::to_string(max)));
    }
    if (field.value("type", "") == "array") {
      ++lists;
      const auto max = field["maxItems"].get<std::size_t>();
      EXPECT_THAT(problems_with(at, json(max, 1)), Not(HasSubstr("too many items")));
      EXPECT_THAT(problems_with(at, json(max + 1, 1)),
                  HasSubstr(path_of(at) + ": has too many items; at most " + std::to_string(max)));
    }
  });
  EXPECT_EQ(texts, 5);
  EXPECT_EQ(lists, 5);
}

TEST(Crd, TakesTheWholeStatus) {
  Status status;
  status.selector = "a=b";
  status.members = 1;
  status.sidecar_revision = "1/x";
  status.certificates = {"Stable", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"};
  status.conditions.push_back({kReady, "True", "R", "m", 1, "2026-01-01T00:00:00Z"});
  const json written = to_json(status);
  std::set<std::string> fields;
  walk(schema()["properties"]["status"], json::json_pointer(), false,
       [&](const auto& at, const json&) {
         EXPECT_TRUE(written.contains(at)) << at << " is never written";
         fields.insert(at.to_string());
       });
  const json flat = written.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    EXPECT_TRUE(fields.contains(pointer)) << pointer << " is not in the CRD";
  }
}

}  // namespace
}  // namespace socketmesh::op::api

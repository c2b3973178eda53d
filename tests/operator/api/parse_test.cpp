#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/limits.hpp"
#include "operator/api/socket_mesh.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::api {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// What is wrong with the chat mesh after a change; empty: nothing.
std::string problems_with(const json& patch, std::string_view text = kChat) {
  json object = json::parse(text);
  object.merge_patch(patch);
  const auto mesh = parse(object, UnknownFields::kRefuse);
  return mesh ? "" : to_string(mesh.error());
}

std::string spec_problems(const json& spec) {
  return problems_with({{"spec", spec}});
}

// The chat mesh with one container changed.
std::string container_problems(const json& patch) {
  json object = json::parse(kChat);
  object["spec"]["template"]["spec"]["containers"][0].merge_patch(patch);
  const auto mesh = parse(object, UnknownFields::kRefuse);
  return mesh ? "" : to_string(mesh.error());
}

TEST(ParseMesh, HasDefaults) {
  const Spec spec = mesh_of(kLabelled).spec;
  EXPECT_EQ(spec, [] {
    Spec expected;
    expected.network_policy = false;
    return expected;
  }());
  EXPECT_TRUE(spec.labelled());
  EXPECT_EQ(spec.replicas, 1);
  EXPECT_FALSE(spec.port);
  EXPECT_EQ(spec.service.type, "ClusterIP");
  EXPECT_EQ(spec.service.session_affinity, "None");
  EXPECT_EQ(spec.sidecar.log_level, "info");
  EXPECT_EQ(spec.tls.leaf_validity, std::chrono::hours(24));
  EXPECT_EQ(spec.tls.rotate_after, std::chrono::hours(12));
  EXPECT_TRUE(spec.monitoring.pod_monitor);
  EXPECT_TRUE(mesh_of(kChat).spec.network_policy);
}

TEST(ParseMesh, ReadsMetadata) {
  const Metadata metadata = mesh_of(kChat, {{"metadata",
                                             {{"labels", {{"a", "b"}}},
                                              {"annotations", {{kPausedAnnotation, "true"}}},
                                              {"creationTimestamp", "2026-01-01T00:00:00Z"},
                                              {"deletionTimestamp", "2026-01-02T00:00:00Z"}}}})
                                .metadata;
  EXPECT_EQ(metadata.name, "chat");
  EXPECT_EQ(metadata.namespace_name, "talk");
  EXPECT_EQ(metadata.uid, "3f1c");
  EXPECT_EQ(metadata.resource_version, "77");
  EXPECT_EQ(metadata.generation, 4);
  EXPECT_THAT(metadata.labels, UnorderedElementsAre(Pair("a", "b")));
  EXPECT_TRUE(metadata.annotated(kPausedAnnotation));
  EXPECT_FALSE(metadata.annotated(kUpgradeAnnotation));
  EXPECT_EQ(metadata.creation_timestamp, "2026-01-01T00:00:00Z");
  EXPECT_TRUE(metadata.deleting);
  EXPECT_FALSE(mesh_of(kChat).metadata.deleting);
}

TEST(ParseMesh, ReadsEveryField) {
  const Spec spec = mesh_of(kChat, {{"spec", json::parse(R"({
        "replicas": 5, "port": 8080,
        "service": {"type": "LoadBalancer", "sessionAffinity": "ClientIP",
                    "annotations": {"a": "1"}},
        "ingress": {"host": "chat.example", "path": "/live", "className": "haproxy",
                    "tlsSecretName": "site", "annotations": {"b": "2"}},
        "sidecar": {"image": "i", "resources": {"limits": {"memory": "1Gi"}}, "logLevel": "debug"},
        "dropIn": {"mode": "Direct"},
        "recovery": {"window": "90s", "memory": "1Gi", "replicas": 2},
        "tls": {"leafValidity": "30m", "rotateAfter": "10m"},
        "autoscaling": {"minReplicas": 2, "maxReplicas": 9, "metrics": [{"type": "Pods"}]},
        "disruption": {"maxUnavailable": "25%"},
        "monitoring": {"podMonitor": false, "labels": {"c": "3"},
                       "from": {"namespaceSelector": {"matchLabels": {"d": "4"}}}},
        "networkPolicy": false})")}})
                        .spec;
  EXPECT_EQ(spec.replicas, 5);
  EXPECT_EQ(spec.port, 8080);
  EXPECT_EQ(spec.service, (ServiceSpec{"LoadBalancer", "ClientIP", {{"a", "1"}}}));
  EXPECT_EQ(spec.ingress, (IngressSpec{"chat.example", "/live", "haproxy", "site", {{"b", "2"}}}));
  EXPECT_EQ(spec.sidecar, (SidecarSpec{"i", {{"limits", {{"memory", "1Gi"}}}}, "debug"}));
  EXPECT_EQ(spec.drop_in, DropInSpec{"Direct"});
  EXPECT_EQ(spec.recovery, (RecoverySpec{std::chrono::seconds(90), std::uint64_t{1} << 30U, 2}));
  EXPECT_EQ(spec.tls, (TlsSpec{std::chrono::minutes(30), std::chrono::minutes(10)}));
  EXPECT_EQ(spec.autoscaling, (AutoscalingSpec{2, 9, json::array({{{"type", "Pods"}}})}));
  EXPECT_EQ(spec.disruption, DisruptionSpec{"25%"});
  const json from = {{"namespaceSelector", {{"matchLabels", {{"d", "4"}}}}}};
  EXPECT_EQ(spec.monitoring, (MonitoringSpec{false, {{"c", "3"}}, from}));
  EXPECT_FALSE(spec.network_policy);
}

TEST(ParseMesh, RotatesAtHalfOfTheLife) {
  const auto tls = mesh_of(kLabelled, {{"spec", {{"tls", {{"leafValidity", "1h"}}}}}}).spec.tls;
  EXPECT_EQ(tls, (TlsSpec{std::chrono::hours(1), std::chrono::minutes(30)}));
}

TEST(ParseMesh, IsAboutSocketMeshesOnly) {
  EXPECT_THAT(problems_with({{"kind", "Deployment"}}),
              "kind: 'Deployment' is not ours; write SocketMesh");
  EXPECT_THAT(problems_with({{"apiVersion", nullptr}}),
              "apiVersion: is missing; write socketmesh.io/v1alpha1");
  EXPECT_EQ(problems_with({{"spec", nullptr}}), "spec: is missing");
  EXPECT_EQ(problems_with({{"spec", 1}}), "spec: must be a map, not a number");
  EXPECT_EQ(to_string(parse("text").error()), "must be a map, not a text");
}

TEST(ParseMesh, NamesAreDnsLabelsOfAtMostForty) {
  const auto named = [](const std::string& name) {
    return problems_with({{"metadata", {{"name", name}}}});
  };
  EXPECT_EQ(named("a"), "");
  EXPECT_EQ(named("a-1"), "");
  EXPECT_EQ(named(std::string(kMeshNameBytesMax, 'a')), "");
  for (const auto& bad :
       {std::string(kMeshNameBytesMax + 1, 'a'), std::string("Chat"), std::string("1chat"),
        std::string("chat-"), std::string("-chat"), std::string("a.b"), std::string()}) {
    EXPECT_THAT(named(bad), HasSubstr("metadata.name: '" + bad + "' is no mesh name"));
  }
}

TEST(ParseMesh, UnknownFieldsAreForFilesToRefuse) {
  json object = json::parse(kChat);
  object["spec"]["service"]["typo"] = 1;
  EXPECT_TRUE(parse(object, UnknownFields::kIgnore));
  const auto strict = parse(object, UnknownFields::kRefuse);
  ASSERT_FALSE(strict);
  EXPECT_EQ(to_string(strict.error()),
            "spec.service.typo: is not a field here; known are annotations, sessionAffinity, type");
  EXPECT_THAT(problems_with({{"extra", 1}}), HasSubstr("extra: is not a field here"));
  EXPECT_EQ(container_problems({{"livenessProbe", {{"anything", 1}}}}),
            "");  // the server's to know
}

TEST(ParseMesh, ReportsEverythingAtOnce) {
  EXPECT_EQ(spec_problems({{"replicas", -1}, {"port", "3000"}, {"networkPolicy", "yes"}}),
            "spec.replicas: -1 is out of range: 0 to 2147483647\n"
            "spec.port: must be a whole number, not a text\n"
            "spec.networkPolicy: must be true or false, not a text");
}

TEST(ParseMesh, EmptyValuesAreNoValues) {
  json object = json::parse(kChat);
  object["spec"]["template"] = nullptr;
  const auto mesh = parse(object);
  ASSERT_FALSE(mesh);
  EXPECT_EQ(to_string(mesh.error()),
            "spec.template: is empty; write a value, or leave the field out");
  EXPECT_EQ(spec_problems({{"sidecar", {{"image", ""}}}}),
            "spec.sidecar.image: is empty; write a value, or leave the field out");
}

TEST(ParseMesh, LeavesTheSidecarItsPorts) {
  EXPECT_EQ(spec_problems({{"port", 7399}}), "");
  EXPECT_EQ(spec_problems({{"port", 7402}}), "");
  for (const int port : {kLinkPort, kAdminPort}) {
    EXPECT_EQ(spec_problems({{"port", port}}),
              "spec.port: " + std::to_string(port) + " is the sidecar's; take another port");
    EXPECT_EQ(container_problems({{"ports", json::array({{{"containerPort", port}}})}}),
              "spec.template.spec.containers[0].ports[0].containerPort: " + std::to_string(port) +
                  " is the sidecar's; take another port");
  }
}

TEST(ParseMesh, RotationLeavesHalfOfTheLife) {
  const auto tls = [](const char* validity, const char* rotate) {
    return spec_problems({{"tls", {{"leafValidity", validity}, {"rotateAfter", rotate}}}});
  };
  EXPECT_EQ(tls("10m", "5m"), "");
  EXPECT_THAT(tls("10m", "301s"),
              HasSubstr("spec.tls.rotateAfter: '5m1s' is more than half of leafValidity (10m)"));
  EXPECT_THAT(tls("599s", "60s"), HasSubstr("spec.tls.leafValidity: '599s' is out of range"));
  EXPECT_EQ(tls("720h", "360h"), "");
  EXPECT_THAT(tls("2592001s", "1h"), HasSubstr("leafValidity: '2592001s' is out of range"));
  EXPECT_THAT(tls("10m", "59s"), HasSubstr("rotateAfter: '59s' is out of range: 1m to 720h"));
  EXPECT_THAT(tls("600000ms", "5m"), HasSubstr("'600000ms' is not in whole seconds"));
  EXPECT_THAT(tls("24", "5m"), HasSubstr("'24' has no unit"));
}

TEST(ParseMesh, WhatIsAboutOurPodsNeedsATemplate) {
  const auto labelled = [](const json& spec) { return problems_with({{"spec", spec}}, kLabelled); };
  EXPECT_THAT(labelled({{"autoscaling", {{"maxReplicas", 2}}}}),
              HasSubstr("spec.autoscaling: needs spec.template"));
  EXPECT_THAT(labelled({{"disruption", {{"maxUnavailable", 2}}}}),
              HasSubstr("spec.disruption: needs spec.template"));
  EXPECT_EQ(labelled({{"networkPolicy", true}}), "");
}

TEST(ParseMesh, AnIngressNeedsAPort) {
  const json ingress = {{"ingress", {{"host", "a.example"}}}};
  EXPECT_EQ(problems_with({{"spec", ingress}}, kLabelled),
            "spec.ingress: needs spec.port, where the app serves clients");
  EXPECT_EQ(spec_problems(ingress), "");
  EXPECT_EQ(spec_problems({{"ingress", {{"path", "live"}}}}),
            "spec.ingress.path: must begin with '/'");
  // One mistake, one message.
  EXPECT_EQ(problems_with({{"spec", {{"ingress", json::object()}, {"port", 0}}}}, kLabelled),
            "spec.port: 0 is out of range: 1 to 65535");
}

TEST(ParseMesh, AutoscalingHasARange) {
  const auto range = [](const json& autoscaling) {
    return spec_problems({{"autoscaling", autoscaling}});
  };
  EXPECT_EQ(range({{"minReplicas", 2}, {"maxReplicas", 2}}), "");
  EXPECT_EQ(range({{"minReplicas", 3}, {"maxReplicas", 2}}),
            "spec.autoscaling.maxReplicas: 2 is less than minReplicas (3)");
  EXPECT_THAT(range({{"minReplicas", 2}}), HasSubstr("spec.autoscaling.maxReplicas: is needed"));
  EXPECT_EQ(range({{"minReplicas", 0}, {"maxReplicas", 2}}),
            "spec.autoscaling.minReplicas: 0 is out of range: 1 to 2147483647");
  json metrics = json::array();
  while (metrics.size() < kMetricsMax) metrics.push_back({{"type", "Pods"}});
  EXPECT_EQ(range({{"maxReplicas", 2}, {"metrics", metrics}}), "");
  metrics.push_back({{"type", "Pods"}});
  EXPECT_EQ(range({{"maxReplicas", 2}, {"metrics", metrics}}),
            "spec.autoscaling.metrics: has too many items; at most 16");
  EXPECT_EQ(range({{"maxReplicas", 2}, {"metrics", {{{"kind", "Pods"}}}}}),
            "spec.autoscaling.metrics[0].type: is needed");
}

TEST(ParseMesh, UnavailableIsACountOrAShare) {
  const auto given = [](const json& value) {
    return spec_problems({{"disruption", {{"maxUnavailable", value}}}});
  };
  for (const json& good : {json(0), json(7), json("0%"), json("25%"), json("100%")}) {
    EXPECT_EQ(given(good), "") << good;
  }
  for (const json& bad : {json(-1), json(1.5), json("101%"), json("5"), json("%"), json("05%"),
                          json(true), json(3'000'000'000)}) {
    EXPECT_THAT(given(bad), HasSubstr("is neither a number nor like '25%'")) << bad;
  }
}

TEST(ParseMesh, ResourcesAreQuantities) {
  const auto given = [](const json& amount) {
    return spec_problems({{"sidecar", {{"resources", {{"limits", {{"memory", amount}}}}}}}});
  };
  for (const json& good : {json("64Mi"), json("1.5Gi"), json(".5"), json(2), json("100m"),
                           json("1e3"), json("1E-3"), json("2."), json("1E")}) {
    EXPECT_EQ(given(good), "") << good;
  }
  for (const json& bad : {json("64MiB"), json(""), json("."), json("Mi"), json("1 Gi"), json(-1),
                          json(1.5), json("-1"), json("1e"), json("1ki")}) {
    EXPECT_THAT(given(bad), HasSubstr("is no quantity")) << bad;
  }
  EXPECT_EQ(spec_problems({{"sidecar", {{"resources", {{"claims", json::array()}}}}}}),
            "spec.sidecar.resources.claims: is not a field here; known are limits, requests");
}

TEST(ParseMesh, RecoveryHasRanges) {
  const auto given = [](const char* key, const json& value) {
    return spec_problems({{"recovery", {{key, value}}}});
  };
  EXPECT_EQ(given("window", "1s"), "");
  EXPECT_EQ(given("window", "1h"), "");
  EXPECT_THAT(given("window", "0s"), HasSubstr("out of range: 1s to 1h"));
  EXPECT_THAT(given("window", "3601s"), HasSubstr("out of range: 1s to 1h"));
  EXPECT_EQ(given("memory", "1Mi"), "");
  EXPECT_EQ(given("memory", "64Gi"), "");
  EXPECT_THAT(given("memory", "1048575"), HasSubstr("out of range"));
  EXPECT_THAT(given("memory", "68719476737"), HasSubstr("out of range"));
  EXPECT_THAT(given("memory", "64MiB"), HasSubstr("leave out the B"));
  EXPECT_EQ(given("replicas", 0), "");
  EXPECT_EQ(given("replicas", 5), "");
  EXPECT_EQ(given("replicas", 6), "spec.recovery.replicas: 6 is out of range: 0 to 5");
}

TEST(ParseMesh, ScrapersAreSelected) {
  const auto from = [](const char* text) {
    return spec_problems({{"monitoring", {{"from", json::parse(text)}}}});
  };
  EXPECT_EQ(from(R"({"podSelector": {}})"), "");
  EXPECT_EQ(from(R"({"namespaceSelector": {"matchExpressions": [
                     {"key": "a", "operator": "In", "values": ["x"]},
                     {"key": "b", "operator": "Exists"}]}})"),
            "");
  EXPECT_THAT(from("{}"), HasSubstr("needs namespaceSelector, podSelector, or both"));
  EXPECT_THAT(from(R"({"podSelector": {"matchLabels": {"a": 1}}})"),
              HasSubstr("matchLabels[a]: must be a text, not a number"));
  EXPECT_THAT(from(R"({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}})"),
              HasSubstr("'Is' is not one of In, NotIn, Exists, DoesNotExist"));
  EXPECT_THAT(from(R"({"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}})"),
              HasSubstr("matchExpressions[0].values: is needed with In"));
  EXPECT_THAT(from(R"({"podSelector": {"matchExpressions": [
                       {"key": "a", "operator": "Exists", "values": ["x"]}]}})"),
              HasSubstr("does not go with Exists"));
  EXPECT_THAT(from(R"({"podSelector": {"matchExpressions": [{"operator": "Exists"}]}})"),
              HasSubstr("matchExpressions[0].key: is needed"));
}

TEST(ParseTemplate, NeedsContainersWithNames) {
  json object = json::parse(kChat);
  json& pod = object["spec"]["template"]["spec"];
  const auto problems = [&] {
    const auto mesh = parse(object);
    return mesh ? "" : to_string(mesh.error());
  };
  pod["containers"] = json::array();
  EXPECT_EQ(problems(), "spec.template.spec.containers: is empty; needs at least one item");
  pod.erase("containers");
  EXPECT_EQ(problems(), "spec.template.spec.containers: is needed");
  pod["containers"] = json::array({{{"image", "x"}}});
  EXPECT_EQ(problems(), "spec.template.spec.containers[0].name: is needed");
  pod["containers"] = json::array({{{"name", std::string(kContainerNameBytesMax + 1, 'a')}}});
  EXPECT_EQ(problems(),
            "spec.template.spec.containers[0].name: is too long; at most 63 characters");
  pod["containers"] = json::array({1});
  EXPECT_EQ(problems(),
            "spec.template.spec.containers[0]: must be a map, not a number\n"
            "spec.template.spec.containers[0].name: is needed");
  object["spec"]["template"].erase("spec");
  EXPECT_EQ(problems(), "spec.template.spec: is needed");
}

TEST(ParseTemplate, ListsAreBounded) {
  json object = json::parse(kChat);
  json& containers = object["spec"]["template"]["spec"]["containers"];
  while (containers.size() < kContainersMax) {
    containers.push_back({{"name", "c" + std::to_string(containers.size())}});
  }
  EXPECT_TRUE(parse(object));
  containers.push_back({{"name", "one-more"}});
  const auto mesh = parse(object);
  ASSERT_FALSE(mesh);
  EXPECT_EQ(to_string(mesh.error()),
            "spec.template.spec.containers: has too many items; at most 64");
}

TEST(ParseTemplate, LeavesTheOperatorItsNames) {
  EXPECT_EQ(container_problems({{"name", "socketmesh"}}),
            "spec.template.spec.containers[0].name: 'socketmesh' is the sidecar's; take another "
            "name");
  const auto in_pod = [](const json& patch) {
    return spec_problems({{"template", {{"spec", patch}}}});
  };
  EXPECT_EQ(in_pod({{"initContainers", json::array({{{"name", "app"}}})}}),
            "spec.template.spec.initContainers[0].name: 'app' is given twice");
  EXPECT_EQ(in_pod({{"volumes", json::array({{{"name", "socketmesh-x"}}})}}),
            "spec.template.spec.volumes[0].name: 'socketmesh-x' begins with 'socketmesh-', as the "
            "operator's do");
  EXPECT_EQ(in_pod({{"volumes", json::array({{{"name", "socketmeshx"}}})}}), "");
  EXPECT_EQ(
      container_problems({{"volumeMounts", json::array({{{"mountPath", "/var/run/socketmesh"}}})}}),
      "spec.template.spec.containers[0].volumeMounts[0].mountPath: '/var/run/socketmesh' is "
      "where the sidecar's socket is");
  for (const char* label : {kMeshLabel, kManagedLabel}) {
    EXPECT_EQ(spec_problems({{"template", {{"metadata", {{"labels", {{label, "x"}}}}}}}}),
              "spec.template.metadata.labels[" + std::string(label) +
                  "]: is the operator's to set; leave it out");
  }
}

TEST(ParseStatus, SurvivesJson) {
  Status status;
  status.observed_generation = 7;
  status.desired_replicas = 4;
  status.replicas = 3;
  status.ready_replicas = 2;
  status.selector = "a=b";
  status.members = 0;
  status.sidecar_revision = "1/x";
  status.certificates = {"Sign", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"};
  set_condition(status.conditions, {kReady, "True", "R", "m", 7, ""}, "2026-01-01T00:00:00Z");
  EXPECT_EQ(parse_status(to_json(status)), status);
  EXPECT_EQ(parse_status(to_json(Status())), Status());
  EXPECT_FALSE(to_json(Status()).contains("members"));
}

TEST(ParseStatus, TakesWhatItCanRead) {
  EXPECT_EQ(parse_status(nullptr), Status());
  EXPECT_EQ(parse_status({{"replicas", "3"},
                          {"readyReplicas", -1},
                          {"desiredReplicas", 3'000'000'000},
                          {"conditions", "none"},
                          {"certificates", 1}}),
            Status());
}

}  // namespace
}  // namespace socketmesh::op::api

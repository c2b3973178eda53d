#include "operator/plan/sidecar_pod.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::ElementsAre;

const SidecarRevision kRevision{1, "sidecar:1", ""};

json with_sidecar(json pod) {
  add_sidecar(pod, mesh_of(kLabelled), kRevision);
  return pod;
}

json pod(const char* spec) {
  return {{"metadata", {{"name", "p"}}}, {"spec", json::parse(spec)}};
}

std::vector<std::string> names(const json& list) {
  std::vector<std::string> result;
  for (const json& item : list) result.push_back(item["name"]);
  return result;
}

const json& find(const json& list, std::string_view name) {
  for (const json& item : list) {
    if (item["name"] == name) return item;
  }
  static const json nothing;
  return nothing;
}

json resources_for(const json& resources) {
  const json patch = {{"spec", {{"sidecar", {{"resources", resources}}}}}};
  return sidecar_container(mesh_of(kLabelled, patch), kRevision, "")["resources"];
}

TEST(SidecarPod, ComesFirstAndStaysAlive) {
  const json result =
      with_sidecar(pod(R"({"initContainers": [{"name": "init"}], "containers": [{"name": "a"}]})"));
  EXPECT_THAT(names(result["spec"]["initContainers"]), ElementsAre("socketmesh", "init"));
  const json& sidecar = result["spec"]["initContainers"][0];
  EXPECT_EQ(sidecar["restartPolicy"], "Always");
  EXPECT_EQ(sidecar["image"], "sidecar:1");
  EXPECT_FALSE(sidecar.contains("imagePullPolicy"));
  EXPECT_EQ(sidecar["startupProbe"]["periodSeconds"], 1);
  EXPECT_FALSE(sidecar.contains("readinessProbe"));
  EXPECT_TRUE(has_sidecar(result));
  EXPECT_FALSE(has_sidecar(pod(R"({"containers": [{"name": "socketmesh"}]})")));
  EXPECT_FALSE(has_sidecar(json()));
}

TEST(SidecarPod, OnlyTheSocketIsTheApps) {
  const json spec = with_sidecar(pod(R"({"containers": [{"name": "a"}, {"name": "b"}]})"))["spec"];
  EXPECT_THAT(names(spec["volumes"]), ElementsAre("socketmesh-app", "socketmesh-tls",
                                                  "socketmesh-config", "socketmesh-token"));
  for (const json& container : spec["containers"]) {
    EXPECT_THAT(names(container["volumeMounts"]), ElementsAre("socketmesh-app"));
  }
  // Readable by uid 65532 whatever fsGroup is, and by nobody who does not mount them.
  EXPECT_EQ(find(spec["volumes"], "socketmesh-tls")["secret"]["defaultMode"], 0444);
  EXPECT_EQ(find(spec["initContainers"][0]["volumeMounts"], "socketmesh-token")["mountPath"],
            "/var/run/secrets/kubernetes.io/serviceaccount");
}

TEST(SidecarPod, ASecondCallChangesNothing) {
  const json once = with_sidecar(pod(R"({"containers": [{"name": "a"}]})"));
  EXPECT_EQ(with_sidecar(once), once);
}

TEST(SidecarPod, CompletesContainersThatCameLater) {
  json result = with_sidecar(pod(R"({"containers": [{"name": "a"}]})"));
  result["spec"]["containers"].push_back({{"name", "late"}});
  EXPECT_THAT(names(with_sidecar(result)["spec"]["containers"][1]["volumeMounts"]),
              ElementsAre("socketmesh-app"));
}

TEST(SidecarPod, LeavesMountsAlone) {
  const json taken = json::parse(R"([{"name": "mine", "mountPath": "/var/run/socketmesh"}])");
  json given = pod(R"({"containers": [{"name": "a"}]})");
  given["spec"]["containers"][0]["volumeMounts"] = taken;
  EXPECT_EQ(with_sidecar(given)["spec"]["containers"][0]["volumeMounts"], taken);
}

TEST(SidecarPod, MayBeEvicted) {
  const auto volumes = [](const char* before) {
    json given = pod(R"({"containers": [{"name": "a"}]})");
    if (*before != '\0') given["metadata"]["annotations"][api::kSafeToEvictAnnotation] = before;
    const json result = with_sidecar(given);
    return result["metadata"]["annotations"][api::kSafeToEvictAnnotation].get<std::string>();
  };
  EXPECT_EQ(volumes(""), "socketmesh-app");
  EXPECT_EQ(volumes("cache"), "cache,socketmesh-app");
  EXPECT_EQ(volumes("socketmesh-app,cache"), "socketmesh-app,cache");
  EXPECT_EQ(volumes("my-socketmesh-app"), "my-socketmesh-app,socketmesh-app");
}

// mesh.id holds 128 characters: "/" and a uid of 36 leave 91 to the name.
TEST(SidecarPod, IdFitsWhateverThePodIsCalled) {
  const auto id = [](std::size_t size) {
    const json container = sidecar_container(mesh_of(kLabelled), kRevision, std::string(size, 'p'));
    return find(container["env"], "SOCKETMESH_MESH_ID")["value"].get<std::string>();
  };
  EXPECT_EQ(id(0), "$(POD_NAME)/$(POD_UID)");
  EXPECT_EQ(id(91), "$(POD_NAME)/$(POD_UID)");
  EXPECT_EQ(id(92), "$(POD_UID)");
}

TEST(SidecarPod, IsRestricted) {
  const json context = sidecar_container(mesh_of(kChat), kRevision, "")["securityContext"];
  EXPECT_EQ(context, json::parse(R"({
    "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": 65532,
    "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}})"));
}

TEST(SidecarPod, DefaultsGoWithWhatTheUserGives) {
  EXPECT_EQ(resources_for(json::object()), json::parse(R"({
    "requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}})"));
  EXPECT_EQ(resources_for({{"requests", {{"cpu", "1"}}}, {"limits", {{"cpu", 2}}}}),
            json::parse(R"({
    "requests": {"cpu": "1", "memory": "32Mi"}, "limits": {"cpu": 2, "memory": "256Mi"}})"));
  // The server would otherwise make a request of 2 cpus out of the limit.
  EXPECT_EQ(resources_for({{"limits", {{"cpu", "2"}}}}), json::parse(R"({
    "requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "2", "memory": "256Mi"}})"));
  // A request above its limit would be refused.
  EXPECT_EQ(resources_for({{"limits", {{"memory", "32767Ki"}}}}), json::parse(R"({
    "requests": {"cpu": "20m"}, "limits": {"memory": "32767Ki"}})"));
  EXPECT_EQ(resources_for({{"limits", {{"memory", "32768Ki"}}}}), json::parse(R"({
    "requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "32768Ki"}})"));
  EXPECT_EQ(resources_for({{"requests", {{"memory", "1Gi"}}}}), json::parse(R"({
    "requests": {"cpu": "20m", "memory": "1Gi"}})"));
}

TEST(SidecarPod, WithDropInAppsFindDiscoveryAtTheirSidecar) {
  const json patch = {{"spec", {{"dropIn", {{"mode", "Direct"}}}}}};
  const api::SocketMesh mesh = mesh_of(kLabelled, patch);
  json given = pod(R"({"containers": [
      {"name": "a"},
      {"name": "b", "env": [{"name": "MESH_SERVER_WS_ADDRESS", "value": "ws://mine:1"}]}]})");
  add_sidecar(given, mesh, kRevision);
  const json& containers = given["spec"]["containers"];
  EXPECT_EQ(find(containers[0]["env"], "MESH_SERVER_WS_ADDRESS")["value"], "ws://127.0.0.1:8000");
  ASSERT_EQ(containers[1]["env"].size(), 1U);
  EXPECT_EQ(containers[1]["env"][0]["value"], "ws://mine:1");
  const json& sidecar = given["spec"]["initContainers"][0];
  EXPECT_EQ(
      find(sidecar["env"], "SOCKETMESH_DROPIN_ADVERTISE")["valueFrom"]["fieldRef"]["fieldPath"],
      "status.podIP");
  EXPECT_THAT(sidecar_config(mesh),
              testing::HasSubstr("\ndropin: {mode: direct, discovery: \"127.0.0.1:8000\", "
                                 "tunnel: \"127.0.0.1:8001\"}\n"));
  const json before = given;
  add_sidecar(given, mesh, kRevision);
  EXPECT_EQ(given, before) << "a second pass changes nothing";
}

TEST(SidecarPod, WithoutDropInNothingOfItIsThere) {
  const json result = with_sidecar(pod(R"({"containers": [{"name": "a"}]})"));
  EXPECT_FALSE(result["spec"]["containers"][0].contains("env"));
  EXPECT_EQ(result.dump().find("DROPIN"), std::string::npos);
  EXPECT_EQ(sidecar_config(mesh_of(kLabelled)).find("dropin"), std::string::npos);
}

}  // namespace
}  // namespace socketmesh::op::plan

// Reconciles against a server with the API's rules, over the real client and real TLS.
#include "operator/control/reconciler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "operator/control/clock.hpp"
#include "tests/operator/control/api_fixture.hpp"
#include "tests/operator/plan/meshes.hpp"

namespace socketmesh::op::control {
namespace {

using nlohmann::json;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kKey[] = "talk/chat";
const std::string kDeployment = "/apis/apps/v1/namespaces/talk/deployments/chat";
const std::string kService = "/api/v1/namespaces/talk/services/chat";
const std::string kConfig = "/api/v1/namespaces/talk/configmaps/chat-mesh";
const std::string kMesh = "/apis/socketmesh.io/v1alpha1/namespaces/talk/socketmeshes/chat";
const std::string kIngress = "/apis/networking.k8s.io/v1/namespaces/talk/ingresses/chat";
const std::string kAutoscaler =
    "/apis/autoscaling/v2/namespaces/talk/horizontalpodautoscalers/chat";

class ReconcilerTest : public ApiFixture {
 protected:
  ReconcilerTest() {
    restart();
    want(json::object());
  }
  ~ReconcilerTest() override { poller_.close(); }

  // An operator that knows nothing but what the watches list.
  void restart() {
    store_ = std::make_unique<Store>([](const std::string&) {});
    polls_ = std::make_unique<SidecarPolls>(poller_, [](const std::string&) {});
    events_ = std::make_unique<Events>(logger_, "replica");
    reconciler_ = std::make_unique<Reconciler>(
        ReconcilerParts{*client_, *store_, *polls_, *events_, logger_, [this] { return leads_; },
                        [] { return false; }},
        plan::Settings());
  }

  // The spec as the user has it, with changes to kChat.
  void want(const json& changes) {
    json mesh = json::parse(kChat);
    mesh.merge_patch(changes);
    mesh["metadata"]["generation"] = ++generation_;
    if (const json stored = api_.object(kMesh); stored.contains("status"))
      mesh["status"] = stored["status"];
    api_.put(kMesh, mesh);
    watch(kMesh);
  }
  // The watch tells of the object as it is.
  void watch(const std::string& path) {
    const json object = api_.object(path);
    if (path == kMesh) return store_->put_mesh(read_mesh(object));
    store_->put_owned(read_owned(object));
  }
  std::vector<MiniApi::Call> reconcile() {
    api_.take_calls();
    result_ = reconciler_->reconcile(kKey);
    return api_.take_calls();
  }
  std::string reason(const char* type) {
    const auto conditions = store_->mesh(kKey)->mesh.status.conditions;
    const api::Condition* found = api::find_condition(conditions, type);
    return found == nullptr ? "absent" : found->reason;
  }
  // What was sent, Events and status left out.
  static std::vector<std::string> writes(const std::vector<MiniApi::Call>& calls) {
    std::vector<std::string> paths;
    for (const auto& call : calls)
      if (call.method != "GET" && call.method != "POST" && !call.path.ends_with("/status"))
        paths.push_back(call.method + " " + call.path);
    return paths;
  }

  kube::StatusPoller poller_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SidecarPolls> polls_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<Reconciler> reconciler_;
  ReconcileResult result_;
  bool leads_ = true;
  int generation_ = 0;
};

TEST_F(ReconcilerTest, MakesEverythingAndThenSendsNothing) {
  const auto calls = reconcile();
  EXPECT_EQ(result_.error, "");
  EXPECT_EQ(api_.object(kDeployment)["spec"]["replicas"], 3);
  for (const char* path :
       {"/api/v1/namespaces/talk/secrets/chat-mesh-ca",
        "/api/v1/namespaces/talk/secrets/chat-mesh-tls", "/api/v1/namespaces/talk/services/chat",
        "/api/v1/namespaces/talk/services/chat-mesh",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/talk/rolebindings/chat-mesh",
        "/apis/policy/v1/namespaces/talk/poddisruptionbudgets/chat"})
    EXPECT_FALSE(api_.object(path).is_null()) << path;
  EXPECT_EQ(reason(api::kCertificatesReady), "Issued");
  EXPECT_THAT(calls, Each(Field(&MiniApi::Call::status, testing::Lt(500))));

  EXPECT_THAT(reconcile(), IsEmpty()) << "nothing to do sends nothing";
  watch(kDeployment);
  watch(kMesh);
  EXPECT_THAT(reconcile(), IsEmpty()) << "and its own writes are no news";
}

TEST_F(ReconcilerTest, AfterARestartOneApplyEachChangesNothing) {
  reconcile();
  std::vector<std::string> paths = {kDeployment, kService, kConfig};
  std::vector<json> before;
  for (const auto& path : paths) before.push_back(api_.object(path)["metadata"]["resourceVersion"]);
  restart();
  watch(kMesh);
  for (const auto& path : paths) watch(path);
  EXPECT_THAT(writes(reconcile()), testing::Contains("PATCH " + kDeployment));
  for (std::size_t i = 0; i < paths.size(); ++i)
    EXPECT_EQ(api_.object(paths[i])["metadata"]["resourceVersion"], before[i]) << paths[i];
  EXPECT_THAT(writes(reconcile()), IsEmpty());
}

TEST_F(ReconcilerTest, RepairsWhatSomebodyChanged) {
  reconcile();
  json service = api_.object(kService);
  service["spec"]["ports"] = json::array();
  api_.put(kService, service);
  watch(kService);
  EXPECT_THAT(writes(reconcile()), ElementsAre("PATCH " + kService));
  EXPECT_FALSE(api_.object(kService)["spec"]["ports"].empty());
  EXPECT_THAT(writes(reconcile()), IsEmpty());
}

TEST_F(ReconcilerTest, DoesNotFightForEver) {
  reconcile();
  std::size_t repairs = 0;
  for (int i = 0; i < 20; ++i) {
    api_.put(kService, api_.object(kService), "other-controller");
    watch(kService);
    repairs += writes(reconcile()).size();
  }
  EXPECT_EQ(repairs, plan::RepairPace::kRepairsMax);
  EXPECT_TRUE(result_.again);
}

TEST_F(ReconcilerTest, AForeignObjectIsLeftAloneAndTheRestIsMade) {
  const json theirs = {{"apiVersion", "v1"},
                       {"kind", "Service"},
                       {"metadata", {{"name", "chat"}, {"namespace", "talk"}, {"uid", "theirs"}}},
                       {"spec", {{"selector", {{"app", "theirs"}}}}}};
  api_.put(kService, theirs);
  reconcile();
  EXPECT_EQ(result_.error, "");
  EXPECT_EQ(api_.object(kService)["spec"], theirs["spec"]);
  EXPECT_EQ(api_.object(kService)["metadata"]["managedFields"].size(), 1U);
  EXPECT_FALSE(api_.object(kDeployment).is_null());
  EXPECT_EQ(reason(plan::kNameConflict), "ObjectNotOwned");
  EXPECT_EQ(reason(api::kReady), "NameConflict");

  const auto again = reconcile();
  EXPECT_THAT(writes(again), IsEmpty()) << "it looks, and does not try";
  EXPECT_TRUE(result_.again);
}

TEST_F(ReconcilerTest, TakesItsPlaceWhenTheForeignObjectGoes) {
  api_.put(kService, {{"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", {{"uid", "t"}}}});
  reconcile();
  api_.erase(kService);
  EXPECT_THAT(writes(reconcile()), ElementsAre("PATCH " + kService));
  EXPECT_EQ(api_.object(kService)["metadata"]["ownerReferences"][0]["uid"], "3f1c");
}

TEST_F(ReconcilerTest, AForeignSecretIsNeverWritten) {
  const std::string path = "/api/v1/namespaces/talk/secrets/chat-mesh-tls";
  api_.put(path, {{"apiVersion", "v1"},
                  {"kind", "Secret"},
                  {"metadata", {{"uid", "theirs"}}},
                  {"data", {{"tls.key", "eA=="}}}});
  reconcile();
  EXPECT_EQ(api_.object(path)["data"], (json{{"tls.key", "eA=="}}));
  EXPECT_TRUE(api_.object("/api/v1/namespaces/talk/secrets/chat-mesh-ca").is_null());
  EXPECT_EQ(reason(plan::kNameConflict), "ObjectNotOwned");
  EXPECT_EQ(reason(api::kCertificatesReady), "NameConflict");
}

TEST_F(ReconcilerTest, ReplicasAreHandedOverWithTheirLiveNumber) {
  reconcile();
  json deployment = api_.object(kDeployment);
  deployment["spec"]["replicas"] = 4;
  api_.put(kDeployment, deployment);
  watch(kDeployment);
  want({{"spec", {{"autoscaling", {{"minReplicas", 2}, {"maxReplicas", 6}}}}}});
  const auto calls = reconcile();
  EXPECT_EQ(result_.error, "");
  EXPECT_EQ(api_.object(kDeployment)["spec"]["replicas"], 4) << "no pod died";
  EXPECT_FALSE(api_.object(kAutoscaler).is_null());
  std::vector<std::string> managers;
  for (const auto& call : calls)
    if (call.path == kDeployment) managers.push_back(call.manager);
  EXPECT_THAT(managers, ElementsAre("socketmesh-replicas", "socketmesh-operator"));

  want({{"spec", {{"replicas", 4}}}});
  EXPECT_THAT(writes(reconcile()), ElementsAre("DELETE " + kAutoscaler, "PATCH " + kDeployment));
  EXPECT_EQ(api_.object(kDeployment)["spec"]["replicas"], 4);
}

TEST_F(ReconcilerTest, AHandOverThatFailsStopsTheRest) {
  reconcile();
  // The Deployment has changed since the watch told of it.
  api_.put(kDeployment, api_.object(kDeployment));
  want({{"spec", {{"autoscaling", {{"minReplicas", 2}, {"maxReplicas", 6}}}}}});
  reconcile();
  EXPECT_THAT(result_.error, HasSubstr("onflict"));
  EXPECT_EQ(api_.object(kDeployment)["spec"]["replicas"], 3);
  EXPECT_TRUE(api_.object(kAutoscaler).is_null());
}

TEST_F(ReconcilerTest, WhatIsNoLongerWantedGoes) {
  want({{"spec", {{"ingress", {{"host", "chat.example"}}}}}});
  reconcile();
  ASSERT_FALSE(api_.object(kIngress).is_null());
  want(json::object());
  EXPECT_THAT(writes(reconcile()), ElementsAre("DELETE " + kIngress));
  EXPECT_TRUE(api_.object(kIngress).is_null());
}

TEST_F(ReconcilerTest, ARefusedObjectIsSaidAndNotSentAgainAtOnce) {
  api_.refuse(kDeployment);
  reconcile();
  EXPECT_EQ(result_.error, "");
  EXPECT_EQ(reason(api::kReady), "ObjectRefused");
  EXPECT_FALSE(api_.object(kService).is_null()) << "the others are made";
  EXPECT_THAT(writes(reconcile()), IsEmpty());
  EXPECT_TRUE(result_.again);
  want({{"spec", {{"replicas", 5}}}});
  EXPECT_THAT(writes(reconcile()), ElementsAre("PATCH " + kDeployment)) << "another is tried";
}

TEST_F(ReconcilerTest, NothingIsSaidOfANamespaceThatEnds) {
  api_.end_namespace();
  reconcile();
  EXPECT_EQ(result_.error, "");
  EXPECT_TRUE(result_.again);
  EXPECT_NE(reason(api::kReady), "ObjectRefused");
  EXPECT_THAT(api_.events(), IsEmpty());
}

TEST_F(ReconcilerTest, WithoutTheLeaseNothingIsSent) {
  leads_ = false;
  EXPECT_THAT(reconcile(), IsEmpty());
  EXPECT_THAT(result_.error, HasSubstr("does not lead"));
}

TEST_F(ReconcilerTest, PausedMeshesAreOnlyWatched) {
  reconcile();
  want({{"metadata", {{"annotations", {{"socketmesh.io/paused", "true"}}}}},
        {"spec", {{"replicas", 5}}}});
  EXPECT_THAT(writes(reconcile()), IsEmpty());
  EXPECT_EQ(api_.object(kDeployment)["spec"]["replicas"], 3);
}

TEST_F(ReconcilerTest, AMeshThatIsDeletedIsLeftToItsOwnerReferences) {
  want({{"metadata", {{"deletionTimestamp", "2026-11-23T09:00:00Z"}}}});
  EXPECT_THAT(reconcile(), IsEmpty());
}

TEST_F(ReconcilerTest, WhatGoesWithItsMeshIsNotMadeAgain) {
  reconcile();
  const OwnedObject service = read_owned(api_.object(kService));
  // The mesh is gone, then its Service; the watch of Services is the first to tell.
  api_.erase(kMesh);
  api_.erase(kService);
  store_->remove_owned(service);
  EXPECT_THAT(writes(reconcile()), IsEmpty());
  EXPECT_TRUE(api_.object(kService).is_null());
  EXPECT_EQ(result_.error, "");
}

// No watch has told yet: the object that is to be repaired is there no more.
TEST_F(ReconcilerTest, WhatGoesWhileItIsRepairedIsLookedAtAgain) {
  reconcile();
  json service = api_.object(kService);
  service["spec"]["ports"] = json::array();
  api_.put(kService, service);
  watch(kService);
  api_.erase(kService);
  EXPECT_THAT(writes(reconcile()), ElementsAre("PATCH " + kService));
  EXPECT_EQ(result_.error, "") << "nobody has to know";
  EXPECT_TRUE(result_.again);
  EXPECT_TRUE(api_.object(kService).is_null());
}

TEST_F(ReconcilerTest, WhatSomebodyDeletedIsMadeAgain) {
  reconcile();
  const OwnedObject service = read_owned(api_.object(kService));
  api_.erase(kService);
  store_->remove_owned(service);
  EXPECT_THAT(writes(reconcile()), ElementsAre("PATCH " + kService));
}

TEST_F(ReconcilerTest, AnUnreadableSpecIsSaidAndNothingIsTouched) {
  reconcile();
  reconcile();
  want({{"spec", {{"port", 99'999}}}});
  EXPECT_THAT(writes(reconcile()), IsEmpty());
  ASSERT_FALSE(api_.events().empty());
  EXPECT_EQ(api_.events().back()["reason"], "InvalidSpec");
}

TEST_F(ReconcilerTest, TheStatusIsWrittenAtMostOnceInItsInterval) {
  const auto status_writes = [](const std::vector<MiniApi::Call>& calls) {
    return std::count_if(calls.begin(), calls.end(),
                         [](const auto& call) { return call.path == kMesh + "/status"; });
  };
  EXPECT_EQ(status_writes(reconcile()), 1);
  json deployment = api_.object(kDeployment);
  deployment["status"] = {{"replicas", 3}, {"readyReplicas", 1}};
  api_.put(kDeployment, deployment);
  watch(kDeployment);
  EXPECT_EQ(status_writes(reconcile()), 0) << "too soon";
  ASSERT_TRUE(result_.again);
  EXPECT_LE(*result_.again, kStatusInterval);
  std::this_thread::sleep_for(*result_.again + std::chrono::milliseconds(10));
  EXPECT_EQ(status_writes(reconcile()), 1);
  EXPECT_EQ(api_.object(kMesh)["status"]["readyReplicas"], 1);
}

TEST_F(ReconcilerTest, BarePodsAreToldOfOnce) {
  PodRecord pod;
  pod.namespace_name = "talk";
  pod.name = "bare";
  pod.uid = "p1";
  pod.mesh = "chat";
  store_->put_pod(pod);
  reconcile();
  const auto told = [this] {
    const auto events = api_.events();
    return std::count_if(events.begin(), events.end(),
                         [](const json& event) { return event["reason"] == "NoSidecar"; });
  };
  EXPECT_EQ(told(), 1);
  EXPECT_THAT(reconcile(), IsEmpty());

  pod.mesh = "nobody";
  pod.uid = "p2";
  store_->put_pod(pod);
  reconciler_->reconcile("talk/nobody");
  EXPECT_EQ(told(), 2);
  EXPECT_THAT(api_.events().back()["note"].get<std::string>(), HasSubstr("no SocketMesh"));
}

TEST_F(ReconcilerTest, SecretsAreReadAgainAtAResync) {
  reconcile();
  const std::string path = "/api/v1/namespaces/talk/secrets/chat-mesh-tls";
  json damaged = api_.object(path);
  damaged["data"]["tls.key"] = "eA==";
  api_.put(path, damaged);
  EXPECT_THAT(reconcile(), IsEmpty()) << "Secrets are not watched";
  reconciler_->resync();
  EXPECT_THAT(writes(reconcile()), ElementsAre("PATCH " + path));
  EXPECT_NE(api_.object(path)["data"]["tls.key"], "eA==");
  EXPECT_THAT(reconcile(), IsEmpty());
}

TEST_F(ReconcilerTest, TellsWhenCertificatesEnd) {
  EXPECT_THAT(reconciler_->expiries(), IsEmpty());
  reconcile();
  const auto expiries = reconciler_->expiries();
  ASSERT_TRUE(expiries.contains(kKey));
  const std::int64_t now = wall_seconds().time_since_epoch().count();
  EXPECT_NEAR(static_cast<double>(expiries.at(kKey).leaf - now), 24 * 3600, 120);
  EXPECT_GT(expiries.at(kKey).root, expiries.at(kKey).leaf);
  store_->remove_mesh(*store_->mesh(kKey));
  reconciler_->reconcile(kKey);
  EXPECT_THAT(reconciler_->expiries(), IsEmpty()) << "a series of a mesh that is gone";
}

}  // namespace
}  // namespace socketmesh::op::control

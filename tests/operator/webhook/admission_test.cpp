#include "operator/webhook/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/operator/webhook/reviews.hpp"

namespace socketmesh::op::webhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Answer ask(const json& pod, const api::SocketMesh& mesh = ready_mesh()) {
  return review(review_of(pod).dump(), finds(mesh));
}

// Admitted as it is, with one warning.
void expect_bare(const Answer& answer, Outcome outcome, const std::string& why) {
  EXPECT_EQ(answer.outcome, outcome);
  EXPECT_THAT(patch_of(answer), IsEmpty());
  ASSERT_EQ(response_of(answer)["warnings"].size(), 1U);
  EXPECT_THAT(response_of(answer)["warnings"][0].get<std::string>(), HasSubstr(why));
  EXPECT_THAT(answer.message, HasSubstr(why));
}

void expect_left_out(const Answer& answer) {
  EXPECT_EQ(answer.outcome, Outcome::kLeftOut);
  const json response = response_of(answer);
  EXPECT_FALSE(response.contains("patch"));
  EXPECT_FALSE(response.contains("warnings"));
}

TEST(Admission, PutsTheSidecarFirst) {
  json pod = plain_pod();
  pod["spec"]["initContainers"] = json::array({{{"name", "migrate"}}});
  const Answer answer = ask(pod);
  EXPECT_EQ(answer.outcome, Outcome::kInjected);
  EXPECT_FALSE(response_of(answer).contains("warnings"));
  const json after = admitted(pod, answer);
  ASSERT_EQ(after["spec"]["initContainers"].size(), 2U);
  EXPECT_EQ(after["spec"]["initContainers"][0]["name"], "socketmesh");
  EXPECT_EQ(after["spec"]["initContainers"][0]["image"], "registry.example/sidecar:1");
  EXPECT_EQ(after["spec"]["initContainers"][0]["restartPolicy"], "Always");
  EXPECT_EQ(after["spec"]["initContainers"][1], pod["spec"]["initContainers"][0]);
}

TEST(Admission, LeavesTheServiceAccountAlone) {
  json pod = plain_pod();
  pod["spec"]["serviceAccountName"] = "web";
  pod["spec"]["automountServiceAccountToken"] = false;
  const json after = admitted(pod, ask(pod));
  EXPECT_EQ(after["spec"]["serviceAccountName"], "web");
  EXPECT_EQ(after["spec"]["automountServiceAccountToken"], false);
  // The token is the sidecar's only.
  EXPECT_THAT(after["spec"]["containers"][0].dump(), Not(HasSubstr("serviceaccount")));
}

TEST(Admission, ASecondPassChangesNothing) {
  const json once = admitted(plain_pod(), ask(plain_pod()));
  const Answer again = ask(once);
  EXPECT_EQ(again.outcome, Outcome::kUnchanged);
  EXPECT_FALSE(response_of(again).contains("patch"));
}

TEST(Admission, ALaterPassMountsTheSocketIntoWhatAnotherWebhookAdded) {
  json pod = admitted(plain_pod(), ask(plain_pod()));
  // As the API server fills in defaults between passes, and another webhook goes first.
  pod["spec"]["initContainers"][0]["terminationMessagePath"] = "/dev/termination-log";
  pod["spec"]["initContainers"].insert(pod["spec"]["initContainers"].begin(),
                                       json{{"name", "proxy"}, {"restartPolicy", "Always"}});
  pod["spec"]["containers"].push_back(json{{"name", "agent"}});
  const Answer answer = ask(pod);
  EXPECT_EQ(answer.outcome, Outcome::kInjected);
  EXPECT_EQ(patch_of(answer), json::parse(R"([
    {"op": "add", "path": "/spec/containers/1/volumeMounts",
     "value": [{"name": "socketmesh-app", "mountPath": "/var/run/socketmesh"}]}])"));
}

TEST(Admission, KeepsWhatIsSaidAboutEviction) {
  json pod = plain_pod();
  const char* key = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
  pod["metadata"]["annotations"] = {{key, "cache,logs"}};
  EXPECT_EQ(admitted(pod, ask(pod))["metadata"]["annotations"][key], "cache,logs,socketmesh-app");
}

TEST(Admission, LeavesOutWhatDoesNotAsk) {
  json pod = plain_pod();
  pod["metadata"]["labels"].erase("socketmesh.io/mesh");
  expect_left_out(ask(pod));
  pod["metadata"].erase("labels");
  expect_left_out(ask(pod));
  pod = plain_pod();
  pod["metadata"]["labels"]["socketmesh.io/mesh"] = "";
  expect_left_out(ask(pod));
  pod = plain_pod();
  pod["metadata"]["annotations"] = {{"socketmesh.io/inject", "false"}};
  expect_left_out(ask(pod));
  pod["metadata"]["annotations"] = {{"socketmesh.io/inject", "true"}};
  EXPECT_EQ(ask(pod).outcome, Outcome::kInjected);
  pod["metadata"]["labels"]["socketmesh.io/managed"] = "true";
  expect_left_out(ask(pod));
  pod = plain_pod();
  pod["metadata"]["annotations"] = {{"kubernetes.io/config.mirror", "0123"}};
  expect_left_out(ask(pod));
}

TEST(Admission, LeavesOutWhatIsNoCreationOfAPod) {
  const auto ask_with = [](const char* path, const json& value) {
    json body = review_of(plain_pod());
    body["request"][json::json_pointer(path)] = value;
    return review(body.dump(), finds(ready_mesh()));
  };
  expect_left_out(ask_with("/operation", "UPDATE"));
  expect_left_out(ask_with("/operation", "DELETE"));
  expect_left_out(ask_with("/kind/kind", "Deployment"));
  expect_left_out(ask_with("/kind/group", "example.com"));
  expect_left_out(ask_with("/subResource", "eviction"));
  EXPECT_EQ(ask_with("/subResource", "").outcome, Outcome::kInjected);
}

TEST(Admission, AdmitsBareWithoutTheMesh) {
  json pod = plain_pod();
  pod["metadata"]["labels"]["socketmesh.io/mesh"] = "chta";
  expect_bare(ask(pod), Outcome::kNoMesh, "no SocketMesh 'chta' in namespace 'talk'");
  json body = review_of(plain_pod());
  body["request"]["namespace"] = "other";
  expect_bare(review(body.dump(), finds(ready_mesh())), Outcome::kNoMesh, "namespace 'other'");
  api::SocketMesh leaving = ready_mesh();
  leaving.metadata.deleting = true;
  expect_bare(ask(plain_pod(), leaving), Outcome::kNoMesh, "no SocketMesh 'chat'");
}

TEST(Admission, AdmitsBareBeforeTheCertificates) {
  api::SocketMesh mesh = ready_mesh();
  mesh.status.conditions[0].status = "False";
  expect_bare(ask(plain_pod(), mesh), Outcome::kNotReady, "'chat' has no certificates yet");
  mesh.status.conditions.clear();
  expect_bare(ask(plain_pod(), mesh), Outcome::kNotReady, "'chat' has no certificates yet");
  mesh = ready_mesh();
  mesh.status.sidecar_revision = "";
  expect_bare(ask(plain_pod(), mesh), Outcome::kNotReady, "'chat'");
}

TEST(Admission, RefusesToMixWithNamesakes) {
  json pod = plain_pod();
  pod["spec"]["containers"][0]["name"] = "socketmesh";
  expect_bare(ask(pod), Outcome::kConflict, "a container named 'socketmesh'");
  pod = plain_pod();
  pod["spec"]["initContainers"] =
      json::array({{{"name", "socketmesh"}, {"command", json::array({"/bin/true"})}}});
  expect_bare(ask(pod), Outcome::kConflict, "a container named 'socketmesh'");
  for (const std::string volume :
       {"socketmesh-app", "socketmesh-tls", "socketmesh-config", "socketmesh-token"}) {
    pod = plain_pod();
    pod["spec"]["volumes"] = json::array({{{"name", volume}, {"hostPath", {{"path", "/"}}}}});
    expect_bare(ask(pod), Outcome::kConflict, "a volume named '" + volume + "'");
  }
  pod = plain_pod();
  pod["spec"]["containers"][0]["volumeMounts"] =
      json::array({{{"name", "mine"}, {"mountPath", "/var/run/socketmesh"}}});
  expect_bare(ask(pod), Outcome::kConflict, "a volume mounted at '/var/run/socketmesh'");
}

TEST(Admission, WarnsOfTheHostsNetwork) {
  json pod = plain_pod();
  pod["spec"]["hostNetwork"] = true;
  const Answer answer = ask(pod);
  EXPECT_EQ(answer.outcome, Outcome::kInjected);
  EXPECT_THAT(response_of(answer)["warnings"][0].get<std::string>(), HasSubstr("7400"));
  // Once is enough.
  EXPECT_FALSE(response_of(ask(admitted(pod, answer))).contains("warnings"));
}

TEST(Admission, CutsWarningsBetweenCharacters) {
  json pod = plain_pod();
  std::string name;
  while (name.size() < 1000) name += "\u20ac";
  pod["metadata"]["labels"]["socketmesh.io/mesh"] = name;
  const std::string warning = response_of(ask(pod))["warnings"][0];
  EXPECT_LE(warning.size(), kWarningBytesMax);
  EXPECT_GT(warning.size(), kWarningBytesMax - 3);
}

TEST(Admission, NamesItsOutcomes) {
  std::vector<std::string> names;
  for (const Outcome outcome :
       {Outcome::kInjected, Outcome::kUnchanged, Outcome::kLeftOut, Outcome::kNoMesh,
        Outcome::kNotReady, Outcome::kConflict, Outcome::kBadReview}) {
    names.emplace_back(name_of(outcome));
  }
  EXPECT_THAT(names, ElementsAre("injected", "unchanged", "left_out", "no_mesh", "not_ready",
                                 "conflict", "bad_review"));
}

}  // namespace
}  // namespace socketmesh::op::webhook

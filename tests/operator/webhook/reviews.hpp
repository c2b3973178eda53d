// AdmissionReviews for the tests of the webhook, and what answers say.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/base/base64.hpp"
#include "operator/webhook/admission.hpp"

namespace socketmesh::op::webhook {

using nlohmann::json;

// A labelled mesh `chat` in namespace `talk`, ready for pods.
inline api::SocketMesh ready_mesh() {
  auto mesh = api::parse(json::parse(R"({
    "apiVersion": "socketmesh.io/v1alpha1", "kind": "SocketMesh",
    "metadata": {"name": "chat", "namespace": "talk", "uid": "3f1c"},
    "spec": {},
    "status": {"sidecarRevision": "1/registry.example/sidecar:1",
               "conditions": [{"type": "CertificatesReady", "status": "True"}]}})"));
  EXPECT_TRUE(mesh) << api::to_string(mesh.error());
  return *mesh;
}

inline FindMesh finds(const api::SocketMesh& mesh) {
  return [mesh](const std::string& ns, const std::string& name) {
    const bool known = ns == mesh.metadata.namespace_name && name == mesh.metadata.name;
    return known ? std::make_shared<const api::SocketMesh>(mesh) : nullptr;
  };
}

inline json plain_pod() {
  return json::parse(R"({
    "metadata": {"generateName": "web-", "labels": {"app": "web", "socketmesh.io/mesh": "chat"}},
    "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]}})");
}

inline json review_of(const json& pod) {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "705ab4f5-6393-11e8-b7cc-42010a800002"},
            {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
            {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
            {"operation", "CREATE"},
            {"namespace", "talk"},
            {"dryRun", false},
            {"object", pod}}}};
}

inline json response_of(const Answer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json body = json::parse(answer.body);
  EXPECT_EQ(body.at("apiVersion"), "admission.k8s.io/v1");
  EXPECT_EQ(body.at("kind"), "AdmissionReview");
  EXPECT_EQ(body.at("response").at("uid"), "705ab4f5-6393-11e8-b7cc-42010a800002");
  EXPECT_EQ(body.at("response").at("allowed"), true);
  return body.at("response");
}

// The operations of the answer's patch; an empty array without one.
inline json patch_of(const Answer& answer) {
  const json response = response_of(answer);
  if (!response.contains("patch")) return json::array();
  EXPECT_EQ(response.at("patchType"), "JSONPatch");
  return json::parse(base64_decode(response.at("patch").get<std::string>()).value());
}

// The pod as the API server would have it after the answer.
inline json admitted(const json& pod, const Answer& answer) {
  return pod.patch(patch_of(answer));
}

}  // namespace socketmesh::op::webhook

// What nobody but an attacker or a bug would send to the webhook.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/kube/decode.hpp"
#include "tests/operator/webhook/reviews.hpp"

namespace socketmesh::op::webhook {
namespace {

using testing::HasSubstr;

Answer ask(const std::string& body) {
  return review(body, finds(ready_mesh()));
}

void expect_bad(const std::string& body, const std::string& why) {
  const Answer answer = ask(body);
  EXPECT_EQ(answer.outcome, Outcome::kBadReview) << body.substr(0, 200);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.message, HasSubstr(why));
  EXPECT_THAT(json::parse(answer.body).at("error").get<std::string>(), HasSubstr(why));
}

// The pod with something else at a place.
std::string with(const char* path, const json& value) {
  json body = review_of(plain_pod());
  body[json::json_pointer(path)] = value;
  return body.dump();
}

TEST(HostileReview, IsRefused) {
  expect_bad("", "no JSON");
  expect_bad("{", "no JSON");
  expect_bad("\xff\xfe", "no JSON");
  expect_bad(R"({"kind": ")" + std::string("\xc3\x28") + "\"}", "no JSON");
  expect_bad("null", "no AdmissionReview");
  expect_bad("[]", "no AdmissionReview");
  expect_bad(with("/apiVersion", "admission.k8s.io/v1beta1"), "no AdmissionReview");
  expect_bad(with("/kind", "Pod"), "no AdmissionReview");
  expect_bad(with("/request", nullptr), "no usable uid");
  expect_bad(with("/request", json::array()), "no usable uid");
  expect_bad(with("/request/uid", ""), "no usable uid");
  expect_bad(with("/request/uid", 7), "no usable uid");
  expect_bad(with("/request/namespace", ""), "no namespace");
  expect_bad(with("/request/namespace", nullptr), "no namespace");
}

TEST(HostileReview, WithAMalformedPodIsRefused) {
  const json numbers = json::array({7});
  for (const char* path :
       {"/metadata/labels", "/metadata/annotations", "/spec/volumes", "/spec/containers",
        "/spec/initContainers", "/spec/containers/0/volumeMounts", "/metadata", "/spec", ""}) {
    const std::string full = std::string("/request/object") + path;
    expect_bad(with(full.c_str(), "text"), "its pod is malformed");
    expect_bad(with(full.c_str(), numbers), "its pod is malformed");
  }
  expect_bad(with("/request/object/spec/containers", json::object()), "its pod is malformed");
  expect_bad(with("/request/object", nullptr), "its pod is malformed");
}

TEST(HostileReview, WithNullsIsAPodAllTheSame) {
  for (const char* path : {"/metadata/annotations", "/spec/volumes", "/spec/containers",
                           "/spec/initContainers", "/spec/containers/0/volumeMounts"}) {
    const std::string body = with((std::string("/request/object") + path).c_str(), nullptr);
    const Answer answer = ask(body);
    EXPECT_EQ(answer.outcome, Outcome::kInjected) << path;
    const json after = admitted(json::parse(body)["request"]["object"], answer);
    EXPECT_EQ(after["spec"]["initContainers"][0]["name"], "socketmesh");
  }
}

TEST(HostileReview, WithOddValuesIsAnswered) {
  for (const json& odd : {json(7), json(true), json("x"), json(nullptr), json::array({"x"}),
                          json::object({{"x", 1}})}) {
    for (const char* path :
         {"/metadata/labels/socketmesh.io~1mesh", "/metadata/labels/socketmesh.io~1managed",
          "/metadata/annotations/socketmesh.io~1inject",
          "/metadata/annotations/cluster-autoscaler.kubernetes.io~1safe-to-evict-local-volumes",
          "/metadata/name", "/spec/hostNetwork", "/spec/containers/0/name"}) {
      const Answer answer = ask(with((std::string("/request/object") + path).c_str(), odd));
      EXPECT_EQ(answer.status, 200) << path << odd;
    }
  }
}

TEST(HostileReview, IsBoundedInLength) {
  json body = review_of(plain_pod());
  body["padding"] = "";
  const std::size_t rest = body.dump().size();
  body["padding"] = std::string(kReviewBytesMax - rest, 'x');
  EXPECT_EQ(ask(body.dump()).outcome, Outcome::kInjected);
  body["padding"] = std::string(kReviewBytesMax - rest + 1, 'x');
  expect_bad(body.dump(), "too long");
}

TEST(HostileReview, IsBoundedInDepth) {
  const auto nested = [](int depth) {
    json body = review_of(plain_pod());
    std::string text(static_cast<std::size_t>(depth), '[');
    text.append(static_cast<std::size_t>(depth), ']');
    body["deep"] = "@";
    std::string whole = body.dump();
    return whole.replace(whole.find("\"@\""), 3, text);
  };
  EXPECT_EQ(ask(nested(socketmesh::kube::kJsonDepthMax - 1)).outcome, Outcome::kInjected);
  expect_bad(nested(socketmesh::kube::kJsonDepthMax + 1), "too deep");
  expect_bad(nested(1'000'000), "too deep");
}

TEST(HostileReview, IsBoundedInItsUid) {
  EXPECT_EQ(ask(with("/request/uid", std::string(kUidBytesMax, 'u'))).status, 200);
  expect_bad(with("/request/uid", std::string(kUidBytesMax + 1, 'u')), "no usable uid");
}

}  // namespace
}  // namespace socketmesh::op::webhook

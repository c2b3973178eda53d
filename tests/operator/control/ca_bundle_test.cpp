#include "operator/control/ca_bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/base64.hpp"
#include "operator/pki/certificates.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::control {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using plan::RotationPhase;
using plan::RotationStep;

const ServiceName kService{"system", "socketmesh-webhook"};

json configuration() {
  return json::parse(R"({
    "metadata": {"name": "socketmesh-injector", "uid": "w1"},
    "webhooks": [
      {"name": "inject.socketmesh.io", "failurePolicy": "Ignore",
       "clientConfig": {"service": {"name": "socketmesh-webhook", "namespace": "system"}}},
      {"name": "other", "clientConfig": {"url": "https://example"}},
      {"name": "theirs", "clientConfig": {"service": {"name": "socketmesh-webhook",
                                                      "namespace": "elsewhere"}}}]})");
}

TEST(CaBundle, IsAppliedToTheWebhooksOfTheService) {
  const auto patch = bundle_patch(configuration(), kService, "PEM");
  ASSERT_TRUE(patch);
  EXPECT_EQ((*patch)["metadata"], (json{{"name", "socketmesh-injector"}, {"uid", "w1"}}));
  EXPECT_EQ((*patch)["webhooks"],
            json::array({{{"name", "inject.socketmesh.io"},
                          {"clientConfig", {{"caBundle", base64_encode("PEM")}}}}}));
}

TEST(CaBundle, NothingToDoWhenItIsThere) {
  json done = configuration();
  done["webhooks"][0]["clientConfig"]["caBundle"] = base64_encode("PEM");
  EXPECT_EQ(bundle_patch(done, kService, "PEM"), std::nullopt);
  EXPECT_TRUE(bundle_patch(done, kService, "OLD AND NEW"));
}

TEST(CaBundle, NobodyElsesWebhooksAreTouched) {
  EXPECT_EQ(bundle_patch(configuration(), {"system", "another"}, "PEM"), std::nullopt);
  EXPECT_EQ(bundle_patch(json::object(), kService, "PEM"), std::nullopt);
}

json trusting(const std::vector<std::string>& bundles) {
  json all = configuration();
  for (const std::string& bundle : bundles) {
    json webhook = all["webhooks"][0];
    webhook["clientConfig"]["caBundle"] = bundle;
    all["webhooks"].push_back(std::move(webhook));
  }
  all["webhooks"].erase(0);
  return all;
}

TEST(CaBundle, IsReadFromTheWebhooksOfTheService) {
  const std::string b = base64_encode("b");
  EXPECT_EQ(bundle_of(trusting({b}), kService), "b");
  EXPECT_EQ(bundle_of(trusting({b, b}), kService), "b");
  EXPECT_EQ(bundle_of(trusting({b, base64_encode("c")}), kService), "");
  EXPECT_EQ(bundle_of(trusting({b, ""}), kService), "");
  EXPECT_EQ(bundle_of(trusting({"%"}), kService), "");
  for (const char* text : {"null", "7", "{}", R"({"webhooks": {}})", R"({"webhooks": [7]})"}) {
    EXPECT_EQ(bundle_of(json::parse(text), kService), "") << text;
  }
}

TEST(CaBundle, WhatIsNotKnownIsNotReported) {
  EXPECT_FALSE(webhook_reports(nullptr, kService, ""));
  const auto none = webhook_reports(configuration(), kService, "no certificate");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->front().bundle_sha256);
  EXPECT_FALSE(none->front().leaf_not_after);
}

// The root of a webhook changes while a listener and an API server follow each step.
class WebhookRotation : public testing::Test {
 protected:
  WebhookRotation() {
    in_.settings.dwell = 180s;
    in_.now = plan::CertTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));
  }

  bool step() {
    in_.ca = pki::ca_facts(secrets_);
    in_.tls = pki::tls_facts(secrets_, identity_);
    in_.sidecars = webhook_reports(configuration_, kService, served_);
    const plan::RotationDecision decision = plan::decide_rotation(in_);
    if (decision.step == RotationStep::kNone) {
      if (phases_.empty() || phases_.back() != decision.phase) phases_.push_back(decision.phase);
      return false;
    }
    auto carried = pki::carry_out(decision, in_, secrets_, names_, identity_);
    EXPECT_TRUE(carried);
    const bool is_ca = carried->which == pki::CarriedOut::Secret::kCa;
    (is_ca ? secrets_.ca : secrets_.tls) = carried->object;
    return true;
  }

  void keep() {
    while (step()) continue;
    const auto texts = pki::tls_texts(*secrets_.tls);
    ASSERT_TRUE(texts);
    served_ = texts->cert_pem;
    const auto patch = bundle_patch(configuration_, kService, texts->ca_pem);
    if (patch && api_server_takes_writes_)
      configuration_["webhooks"][0]["clientConfig"] = merged(
          configuration_["webhooks"][0]["clientConfig"], (*patch)["webhooks"][0]["clientConfig"]);
    in_.now += 60s;
  }

  static json merged(json to, const json& from) {
    to.update(from);
    return to;
  }

  [[nodiscard]] bool served_is_trusted() const {
    const auto roots = pki::inspect_bundle(bundle_of(configuration_, kService));
    return roots && std::ranges::any_of(*roots, [&](const pki::CertificateFacts& root) {
             return pki::verify_leaf(served_, root.pem, in_.now).has_value();
           });
  }

  const pki::Identity identity_ = pki::service_identity("system", "socketmesh-webhook");
  const pki::SecretNames names_{"ca", "tls", {{"namespace", "system"}}};
  pki::Secrets secrets_;
  json configuration_ = configuration();
  std::string served_;
  bool api_server_takes_writes_ = true;
  plan::RotationInputs in_;
  std::vector<RotationPhase> phases_;
};

TEST_F(WebhookRotation, WhatIsServedIsTrustedThroughout) {
  keep();
  ASSERT_TRUE(served_is_trusted());
  const std::string old_leaf = served_;
  in_.rotate_root = "1";
  phases_.clear();
  for (int minute = 0; minute < 12; ++minute) {
    keep();
    EXPECT_TRUE(served_is_trusted()) << minute;
  }
  EXPECT_NE(served_, old_leaf);
  EXPECT_THAT(phases_, testing::ElementsAre(RotationPhase::kDistribute, RotationPhase::kSign,
                                            RotationPhase::kCleanUp, RotationPhase::kStable));
  EXPECT_EQ(pki::inspect_bundle(bundle_of(configuration_, kService))->size(), 1U);
}

TEST_F(WebhookRotation, WaitsForABundleThatTheApiServerDoesNotTake) {
  keep();
  const std::string old_leaf = served_;
  in_.rotate_root = "1";
  api_server_takes_writes_ = false;
  for (int minute = 0; minute < 60; ++minute) keep();
  EXPECT_EQ(served_, old_leaf) << "a leaf that nobody trusts";
  EXPECT_TRUE(served_is_trusted());
  api_server_takes_writes_ = true;
  for (int minute = 0; minute < 12; ++minute) keep();
  EXPECT_NE(served_, old_leaf);
  EXPECT_TRUE(served_is_trusted());
}

}  // namespace
}  // namespace socketmesh::op::control

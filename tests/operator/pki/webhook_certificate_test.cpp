#include "operator/pki/webhook_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/base64.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::pki {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using plan::RotationPhase;
using plan::RotationStep;

json configuration_with(const std::vector<std::string>& bundles) {
  json webhooks = json::array();
  for (const std::string& bundle : bundles) {
    webhooks.push_back({{"name", "w" + std::to_string(webhooks.size()) + ".socketmesh.io"},
                        {"sideEffects", "None"},
                        {"clientConfig", {{"service", {{"name", "socketmesh-webhook"}}}}}});
    if (!bundle.empty()) webhooks.back()["clientConfig"]["caBundle"] = base64_encode(bundle);
  }
  return {{"metadata",
           {{"name", "socketmesh-injector"}, {"uid", "u"}, {"resourceVersion", "7"}, {"x", 1}}},
          {"webhooks", webhooks}};
}

TEST(WebhookCertificate, ReadsTheBundleOfAConfiguration) {
  EXPECT_EQ(ca_bundle_of(configuration_with({"b"})), "b");
  EXPECT_EQ(ca_bundle_of(configuration_with({"b", "b"})), "b");
  EXPECT_EQ(ca_bundle_of(configuration_with({"b", "c"})), "");
  EXPECT_EQ(ca_bundle_of(configuration_with({"b", ""})), "");
  EXPECT_EQ(ca_bundle_of(configuration_with({})), "");
  for (const char* text : {"null", "7", "{}", R"({"webhooks": {}})", R"({"webhooks": [7]})",
                           R"({"webhooks": [{"clientConfig": {"caBundle": "%"}}]})"}) {
    EXPECT_EQ(ca_bundle_of(json::parse(text)), "") << text;
  }
}

TEST(WebhookCertificate, AppliesTheBundleAndNothingElse) {
  const json configuration = configuration_with({"old", ""});
  EXPECT_EQ(*with_ca_bundle(configuration, "new"), json::parse(R"({
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "socketmesh-injector", "uid": "u", "resourceVersion": "7"},
    "webhooks": [{"name": "w0.socketmesh.io", "clientConfig": {"caBundle": "bmV3"}},
                 {"name": "w1.socketmesh.io", "clientConfig": {"caBundle": "bmV3"}}]})"));
  EXPECT_FALSE(with_ca_bundle(configuration_with({"new", "new"}), "new"));
  EXPECT_FALSE(with_ca_bundle(configuration_with({}), "new"));
  EXPECT_FALSE(with_ca_bundle(json(), "new"));
}

TEST(WebhookCertificate, ReportsForTheApiServer) {
  EXPECT_FALSE(webhook_reports(nullptr, ""));
  const auto none = webhook_reports(configuration_with({""}), "no certificate");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->front().bundle_sha256);
  EXPECT_FALSE(none->front().leaf_not_after);
}

// The whole change of a root, with a listener and an API server that follow.
TEST(WebhookCertificate, TheApiServerTrustsWhatIsServedThroughoutARotation) {
  const Identity identity = service_identity("socketmesh", "socketmesh-webhook");
  const SecretNames names{kWebhookCaSecret, kWebhookTlsSecret, {{"namespace", "socketmesh"}}};
  Secrets secrets;
  json configuration = configuration_with({""});
  std::string served;
  plan::RotationInputs in;
  in.settings = kWebhookRotation;
  in.now = CertTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));

  std::vector<RotationPhase> phases;
  const auto step = [&] {
    in.ca = ca_facts(secrets);
    in.tls = tls_facts(secrets, identity);
    in.sidecars = webhook_reports(configuration, served);
    const plan::RotationDecision decision = plan::decide_rotation(in);
    if (decision.step == RotationStep::kNone) {
      if (phases.empty() || phases.back() != decision.phase) phases.push_back(decision.phase);
      return false;
    }
    auto carried = carry_out(decision, in, secrets, names, identity);
    EXPECT_TRUE(carried);
    (carried->which == CarriedOut::Secret::kCa ? secrets.ca : secrets.tls) = carried->object;
    return true;
  };
  const auto reconcile = [&] {
    while (step()) continue;
    const auto texts = tls_texts(*secrets.tls);
    served = texts->cert_pem;  // the listener first
    if (auto apply = with_ca_bundle(configuration, texts->ca_pem)) {
      configuration["webhooks"] = (*apply)["webhooks"];
    }
    const auto roots = inspect_bundle(ca_bundle_of(configuration));
    ASSERT_TRUE(roots);
    EXPECT_TRUE(std::ranges::any_of(*roots, [&](const CertificateFacts& root) {
      return verify_leaf(served, root.pem, in.now).has_value();
    }));
  };

  reconcile();
  EXPECT_EQ(in.tls.leaf_not_after, in.now + 90 * 24h);
  in.rotate_root = "1";
  const std::string old_leaf = served;
  phases.clear();
  for (int minute = 0; minute < 15; ++minute) {
    reconcile();
    // The other replicas have a leaf that is at most as old as the dwell.
    if (minute < 5) {
      EXPECT_EQ(served, old_leaf);
    }
    in.now += kWebhookRefresh;
  }
  EXPECT_NE(served, old_leaf);
  EXPECT_THAT(phases, testing::ElementsAre(RotationPhase::kDistribute, RotationPhase::kSign,
                                           RotationPhase::kCleanUp, RotationPhase::kStable));
  EXPECT_EQ(inspect_bundle(ca_bundle_of(configuration))->size(), 1U);
}

}  // namespace
}  // namespace socketmesh::op::pki

#include "operator/control/webhook_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/base64.hpp"
#include "tests/operator/control/api_fixture.hpp"

namespace socketmesh::op::control {
namespace {

using nlohmann::json;
using testing::IsEmpty;

const std::string kTls = "/api/v1/namespaces/system/secrets/socketmesh-webhook-tls";
const std::string kConfiguration =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/injector";

class WebhookServerTest : public ApiFixture {
 protected:
  WebhookServerTest() {
    api_.put(kConfiguration, json::parse(R"({"kind": "MutatingWebhookConfiguration",
                "metadata": {"name": "injector", "uid": "w1"},
                "webhooks": [{"name": "inject", "clientConfig": {
                    "service": {"name": "hook", "namespace": "system"}}}]})"));
  }
  static std::unique_ptr<WebhookServer> server(const Store& store, const obs::Logger& logger) {
    return std::make_unique<WebhookServer>(
        store, logger, WebhookOptions{{"system", "hook"}, "injector", {"127.0.0.1", 0}});
  }
  std::string bundle() {
    return api_.object(kConfiguration)["webhooks"][0]["clientConfig"].value("caBundle", "");
  }
  std::size_t writes() {
    const auto calls = api_.take_calls();
    return static_cast<std::size_t>(std::count_if(
        calls.begin(), calls.end(), [](const auto& call) { return call.method != "GET"; }));
  }

  Store store_{[](const std::string&) {}};
};

TEST_F(WebhookServerTest, TheLeaderMakesServesAndThenPublishesTheCertificate) {
  const auto leader = server(store_, logger_);
  EXPECT_FALSE(leader->serving());
  EXPECT_EQ(leader->keep(*client_, [] { return true; }), kWebhookLook);
  EXPECT_TRUE(leader->serving());
  EXPECT_EQ(base64_encode(*base64_decode(bundle())), api_.object(kTls)["data"]["ca.crt"]);
  EXPECT_GT(leader->figures().not_after, 0);

  writes();
  EXPECT_EQ(leader->keep(*client_, [] { return true; }), kWebhookLook);
  EXPECT_EQ(writes(), 0U) << "nothing to do sends nothing";
}

TEST_F(WebhookServerTest, TheSecretsGoWithTheConfiguration) {
  server(store_, logger_)->keep(*client_, [] { return true; });
  EXPECT_EQ(api_.object(kTls)["metadata"]["ownerReferences"], json::parse(R"([{
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
    "name": "injector", "uid": "w1"}])"));
}

TEST_F(WebhookServerTest, AFollowerServesTheSameAndWritesNothing) {
  const auto follower = server(store_, logger_);
  EXPECT_LT(follower->keep(*client_, [] { return false; }), kWebhookLook) << "it asks again soon";
  EXPECT_FALSE(follower->serving());
  server(store_, logger_)->keep(*client_, [] { return true; });
  writes();
  EXPECT_EQ(follower->keep(*client_, [] { return false; }), kWebhookLook);
  EXPECT_TRUE(follower->serving());
  EXPECT_EQ(writes(), 0U);
}

TEST_F(WebhookServerTest, ABundleThatSomebodyRemovedComesBack) {
  const auto leader = server(store_, logger_);
  leader->keep(*client_, [] { return true; });
  json configuration = api_.object(kConfiguration);
  configuration["webhooks"][0]["clientConfig"].erase("caBundle");
  api_.put(kConfiguration, configuration);
  leader->keep(*client_, [] { return true; });
  EXPECT_NE(bundle(), "");
}

TEST_F(WebhookServerTest, WithoutTheConfigurationItServesAllTheSame) {
  api_.erase(kConfiguration);
  const auto leader = server(store_, logger_);
  EXPECT_LT(leader->keep(*client_, [] { return true; }), kWebhookLook);
  EXPECT_TRUE(leader->serving());
}

}  // namespace
}  // namespace socketmesh::op::control

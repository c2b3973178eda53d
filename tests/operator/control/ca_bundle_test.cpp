#include "operator/control/ca_bundle.hpp"

#include <gtest/gtest.h>

#include "lib/base/base64.hpp"

namespace socketmesh::op::control {
namespace {

using nlohmann::json;

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
  const auto patch = bundle_patch(configuration(), "system", "socketmesh-webhook", "PEM");
  ASSERT_TRUE(patch);
  EXPECT_EQ((*patch)["metadata"], (json{{"name", "socketmesh-injector"}, {"uid", "w1"}}));
  EXPECT_EQ((*patch)["webhooks"],
            json::array({{{"name", "inject.socketmesh.io"},
                          {"clientConfig", {{"caBundle", base64_encode("PEM")}}}}}));
}

TEST(CaBundle, NothingToDoWhenItIsThere) {
  json done = configuration();
  done["webhooks"][0]["clientConfig"]["caBundle"] = base64_encode("PEM");
  EXPECT_EQ(bundle_patch(done, "system", "socketmesh-webhook", "PEM"), std::nullopt);
  EXPECT_TRUE(bundle_patch(done, "system", "socketmesh-webhook", "OLD AND NEW"));
}

TEST(CaBundle, NobodyElsesWebhooksAreTouched) {
  EXPECT_EQ(bundle_patch(configuration(), "system", "another", "PEM"), std::nullopt);
  EXPECT_EQ(bundle_patch(json::object(), "system", "socketmesh-webhook", "PEM"), std::nullopt);
}

}  // namespace
}  // namespace socketmesh::op::control

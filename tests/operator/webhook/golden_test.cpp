// Pods before and after injection, whole: golden/<case>.json holds both. When the sidecar's shape
// changes on purpose, SOCKETMESH_UPDATE_GOLDEN=1 writes the files anew; read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/operator/webhook/reviews.hpp"

namespace socketmesh::op::webhook {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(SOCKETMESH_SOURCE_DIR) / "tests/operator/webhook/golden";

class GoldenPods : public testing::TestWithParam<std::string> {};

TEST_P(GoldenPods, AreInjectedAsWritten) {
  const fs::path file = kFolder / GetParam();
  json golden = json::parse(std::ifstream(file));
  const json before = golden.at("before");
  const Answer answer = review(review_of(before).dump(), finds(ready_mesh()));
  const json after = admitted(before, answer);
  if (std::getenv("SOCKETMESH_UPDATE_GOLDEN") != nullptr) {
    golden["after"] = after;
    std::ofstream(file) << golden.dump(2) << "\n";
  }
  EXPECT_EQ(after, golden.at("after")) << json::diff(golden.at("after"), after).dump(2);
  EXPECT_EQ(review(review_of(after).dump(), finds(ready_mesh())).outcome, Outcome::kUnchanged);
  // The patch only adds, to lists, objects, nulls and one comma-separated text.
  for (const json& step : patch_of(answer)) {
    const std::string path = step["path"];
    const bool extends = path.ends_with("safe-to-evict-local-volumes");
    const bool fills =
        !path.empty() && step["op"] == "replace" && before.at(json::json_pointer(path)).is_null();
    EXPECT_TRUE(step["op"] == "add" || extends || fills) << step;
  }
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Webhook, GoldenPods, testing::ValuesIn(cases()), [](const auto& golden) {
  return golden.param.substr(0, golden.param.find('.'));
});

}  // namespace
}  // namespace socketmesh::op::webhook

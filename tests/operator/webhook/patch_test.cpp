#include "operator/webhook/patch.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::webhook {
namespace {

using nlohmann::json;

json patched(const char* before, const char* after, const char* patch) {
  const json from = json::parse(before);
  const json to = json::parse(after);
  const json made = make_patch(from, to);
  EXPECT_EQ(from.patch(made), to) << made.dump();
  EXPECT_EQ(made, json::parse(patch)) << made.dump();
  return made;
}

TEST(Patch, SaysNothingAboutEqualDocuments) {
  patched("{}", "{}", "[]");
  patched(R"({"a": [1, {"name": "x"}]})", R"({"a": [1, {"name": "x"}]})", "[]");
}

TEST(Patch, InsertsIntoListsWithoutRewritingTheRest) {
  patched(R"({"c": [{"name": "a"}, {"name": "b"}]})",
          R"({"c": [{"name": "new"}, {"name": "a"}, {"name": "b"}]})",
          R"([{"op": "add", "path": "/c/0", "value": {"name": "new"}}])");
  patched(R"({"c": [{"name": "a"}]})", R"({"c": [{"name": "a"}, {"name": "x"}, {"name": "y"}]})",
          R"([{"op": "add", "path": "/c/1", "value": {"name": "x"}},
              {"op": "add", "path": "/c/2", "value": {"name": "y"}}])");
}

TEST(Patch, ChangesItemsInPlaceByTheirNames) {
  patched(R"([{"name": "a", "m": [1]}, {"name": "b"}])",
          R"([{"name": "n"}, {"name": "a", "m": [1, 2]}, {"name": "b", "m": [3]}])",
          R"([{"op": "add", "path": "/0", "value": {"name": "n"}},
              {"op": "add", "path": "/1/m/1", "value": 2},
              {"op": "add", "path": "/2/m", "value": [3]}])");
}

TEST(Patch, EscapesKeys) {
  patched(R"({"annotations": {}})", R"({"annotations": {"a.b/c~d": "x"}})",
          R"([{"op": "add", "path": "/annotations/a.b~1c~0d", "value": "x"}])");
}

TEST(Patch, ReplacesWhatInsertionsDoNotExplain) {
  patched(R"({"l": [1, 2, 3]})", R"({"l": [3, 1]})",
          R"([{"op": "replace", "path": "/l", "value": [3, 1]}])");
  patched(R"({"l": null})", R"({"l": []})", R"([{"op": "replace", "path": "/l", "value": []}])");
  patched(R"({"gone": 1, "a": "x"})", R"({"a": "y"})",
          R"([{"op": "remove", "path": "/gone"}, {"op": "replace", "path": "/a", "value": "y"}])");
  patched("[]", "{}", R"([{"op": "replace", "path": "", "value": {}}])");
}

TEST(Patch, SurvivesRepeatedAndMissingNames) {
  const char* texts[] = {R"([{"name": "a", "x": 1}, {"name": "a", "x": 2}])",
                         R"([{"name": "a", "x": 2}])",
                         R"([{"name": "a"}, {"x": 1}, {"name": 7}, {"name": "a", "x": 2}])",
                         R"([{"x": 1}, {"name": "b"}, {"name": "a", "x": 1}])", "[]"};
  for (const char* before : texts) {
    for (const char* after : texts) {
      const json from = json::parse(before);
      const json to = json::parse(after);
      EXPECT_EQ(from.patch(make_patch(from, to)), to) << before << " " << after;
    }
  }
}

}  // namespace
}  // namespace socketmesh::op::webhook

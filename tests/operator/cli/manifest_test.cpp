#include "operator/cli/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json read(std::string_view text) {
  const auto documents = parse_manifest("f", text);
  if (documents && documents->size() == 1) return documents->at(0).object;
  ADD_FAILURE() << (documents ? "not one document" : config::to_string(documents.error()));
  return nullptr;
}

std::string problems_of(std::string_view text) {
  const auto documents = parse_manifest("f", text);
  return documents ? "" : config::to_string(documents.error());
}

TEST(Manifest, IsJson) {
  EXPECT_EQ(read("a: 1\nb: [x, '1', 1.5, true, null, ~, -2, 1e3]\nc:\n  d.e/f: |\n    g\n"),
            json::parse(R"({"a": 1, "b": ["x", "1", 1.5, true, null, null, -2, 1000.0],
                            "c": {"d.e/f": "g\n"}})"));
  EXPECT_EQ(read(R"({"kind": "K", "x": [{"y": "z\u00e9"}], "n": 12345678901234567890})"),
            json::parse(R"({"kind": "K", "x": [{"y": "zé"}], "n": 12345678901234567890})"));
}

TEST(Manifest, HoldsManyDocuments) {
  const auto documents = parse_manifest("f", "---\na: 1\n---\n---\n# nothing\n---\nb: 2\n");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ(documents->at(1).line_of("b"), 7);
  EXPECT_TRUE(parse_manifest("f", "")->empty());
}

TEST(Manifest, KnowsLines) {
  const auto documents = parse_manifest("f",
                                        "spec:\n"
                                        "  list:\n"
                                        "  - name: a\n"
                                        "  - name: b\n"
                                        "    c: {d: 1}\n"
                                        "  labels:\n"
                                        "    x.io/y: z\n");
  ASSERT_TRUE(documents);
  const Document& document = documents->at(0);
  EXPECT_EQ(document.line_of("spec.list[1].c.d"), 5);
  EXPECT_EQ(document.line_of("spec.list[1].missing"), 4);
  EXPECT_EQ(document.line_of("spec.labels[x.io/y]"), 7);
  EXPECT_EQ(document.line_of("spec.other.deep[3].x"), 1);
  EXPECT_EQ(document.line_of("elsewhere"), 1);
  EXPECT_EQ(Document().line_of("a.b"), 0);
}

TEST(Manifest, RefusesWhatPeopleRarelyMean) {
  EXPECT_EQ(problems_of("a: yes\n"),
            "f:1: a: is a bool to some and a text to others; write true or false, or 'yes' in "
            "quotes\n");
  for (const char* number : {"010", "0x1F", "1_000", "12:30", "+1", ".5", "1.", "1e999"}) {
    EXPECT_THAT(
        problems_of("a:\n- " + std::string(number) + "\n"),
        HasSubstr("f:2: a[0]: '" + std::string(number) + "' is a number that not all read"));
  }
  EXPECT_THAT(problems_of("a: 1\na: 2\n"), HasSubstr("f:2: a: is given twice"));
  EXPECT_THAT(problems_of("a: &x 1\nb: *x\n"), HasSubstr("anchors"));
  EXPECT_THAT(problems_of("a: [\n"), HasSubstr("is not valid YAML"));
}

TEST(Manifest, IsBounded) {
  EXPECT_EQ(problems_of("# " + std::string(kManifestBytesMax - 2, 'x')), "");
  EXPECT_EQ(problems_of("# " + std::string(kManifestBytesMax - 1, 'x')),
            "f: is larger than 4194304 bytes\n");
  EXPECT_EQ(problems_of(std::string(kManifestDepthMax, '[') + std::string(kManifestDepthMax, ']')),
            "");
  const std::size_t too_deep = kManifestDepthMax + 1;
  EXPECT_THAT(problems_of(std::string(too_deep, '[') + std::string(too_deep, ']')),
              HasSubstr("nested too deep; at most 64 levels"));
}

}  // namespace
}  // namespace socketmesh::op::cli

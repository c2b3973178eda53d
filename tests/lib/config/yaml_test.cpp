#include "lib/config/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::config {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Kind = YamlNode::Kind;

YamlNode parse(std::string_view text) {
  std::vector<Problem> problems;
  YamlNode root = parse_yaml("f", text, problems);
  EXPECT_EQ(to_string(problems), "");
  return root;
}

std::string problems_of(std::string_view text) {
  std::vector<Problem> problems;
  parse_yaml("f", text, problems);
  return to_string(problems);
}

TEST(Yaml, BuildsATreeWithLines) {
  const YamlNode root =
      parse("mesh: {name: chat}\nlink:\n  listen: 'a:1'\n  peers:\n    - b\n    - c\n");
  ASSERT_EQ(root.kind, Kind::kMap);
  const YamlNode* link = root.find("link");
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->line, 2);  // where its key stands
  EXPECT_EQ(link->find("listen")->scalar, "a:1");
  EXPECT_EQ(link->find("listen")->line, 3);
  EXPECT_FALSE(link->find("listen")->plain);
  EXPECT_TRUE(root.find("mesh")->find("name")->plain);
  EXPECT_EQ(link->find("peers")->line, 4);
  ASSERT_EQ(link->find("peers")->items.size(), 2U);
  EXPECT_EQ(link->find("peers")->items[1].line, 6);
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Yaml, AnEmptyDocumentIsNothing) {
  EXPECT_EQ(parse("").kind, Kind::kNull);
  EXPECT_EQ(parse("# only a comment\n").kind, Kind::kNull);
}

TEST(Yaml, TellsKinds) {
  const YamlNode root =
      parse("[1, 0x1F, 1.5, -3, .inf, 1e3, true, on, ~, '', '1', chat, 1a, {}, []]");
  std::vector<std::string_view> kinds;
  for (const YamlNode& item : root.items) kinds.push_back(describe(item));
  EXPECT_THAT(kinds,
              testing::ElementsAre("a number", "a number", "a number", "a number", "a number",
                                   "a number", "a bool", "a bool", "nothing", "a text", "a text",
                                   "a text", "a text", "a map", "a list"));
}

TEST(Yaml, AddressesAndDurationsAreTexts) {
  for (const char* scalar : {"127.0.0.1:7400", "30s", "64MiB", "chat", "-", ".", "e"}) {
    EXPECT_FALSE(looks_like_number(scalar)) << scalar;
  }
}

TEST(Yaml, RefusesDuplicates) {
  EXPECT_EQ(problems_of("a: 1\nb: 2\na: 3\n"), "f:3: a: is given twice; first on line 1\n");
  EXPECT_EQ(problems_of("a:\n  b: 1\n  'b': 2\n"), "f:3: a.b: is given twice; first on line 2\n");
}

TEST(Yaml, RefusesAnchorsAliasesAndMergeKeys) {
  EXPECT_EQ(problems_of("a: &x {b: 1}\nc: *x\n"),
            "f:1: a: anchors (&name) are not supported; write the value out\n"
            "f:2: c: aliases (*name) are not supported; write the value out\n");
  EXPECT_EQ(problems_of("a:\n  <<: {b: 1}\n"),
            "f:2: a.<<: merge keys are not supported; write the keys out\n");
}

TEST(Yaml, RefusesTagsAndOddKeys) {
  EXPECT_EQ(problems_of("a: !!str 1\n"), "f:1: a: tags (!name) are not supported\n");
  EXPECT_EQ(problems_of("a: !!map {}\n"), "f:1: a: tags (!name) are not supported\n");
  EXPECT_THAT(problems_of("? [a, b]\n: 1\n"), HasSubstr("a key must be a text"));
}

TEST(Yaml, RefusesWhatIsNoYaml) {
  EXPECT_THAT(problems_of("a: b: c\n"), StartsWith("f:1: is not valid YAML: "));
  EXPECT_THAT(problems_of("a: [1, 2\nb: 1\n"), StartsWith("f:2: is not valid YAML: "));
  EXPECT_EQ(problems_of("a: \xFF\n"), "f: is not UTF-8 text\n");
  EXPECT_EQ(problems_of(std::string_view("a: \0\n", 5)), "f: is not UTF-8 text\n");
}

TEST(Yaml, RefusesFurtherDocuments) {
  EXPECT_EQ(problems_of("a: 1\n---\nb: 2\n"), "f:3: holds more than one document\n");
  EXPECT_EQ(problems_of("---\na: 1\n"), "");
}

TEST(Yaml, LimitsDepth) {
  const auto nested = [](std::size_t depth) {
    return "a: " + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "\n";
  };
  EXPECT_EQ(problems_of(nested(kYamlDepthMax)), "");
  EXPECT_EQ(problems_of(nested(kYamlDepthMax + 1)),
            "f:1: is not valid YAML: nested too deep; at most 16 levels\n");
  EXPECT_THAT(problems_of(std::string(100'000, '[')), HasSubstr("nested too deep"));
}

TEST(Yaml, ReadsManyDocuments) {
  std::vector<Problem> problems;
  const auto documents = parse_yaml_documents("f", "a: 1\n---\n---\n[b]\n...\n---\nc\n", problems);
  EXPECT_EQ(to_string(problems), "");
  ASSERT_EQ(documents.size(), 4U);
  EXPECT_EQ(documents[0].find("a")->scalar, "1");
  EXPECT_EQ(documents[1].kind, Kind::kNull);
  EXPECT_EQ(documents[2].items.at(0).line, 4);
  EXPECT_EQ(documents[3].scalar, "c");
  EXPECT_THAT(parse_yaml_documents("f", "", problems), IsEmpty());
}

TEST(Yaml, ProblemsOfLaterDocumentsCountToo) {
  std::vector<Problem> problems;
  EXPECT_EQ(parse_yaml_documents("f", "a: 1\n---\na: 1\na: 2\n", problems).size(), 2U);
  EXPECT_EQ(to_string(problems), "f:4: a: is given twice; first on line 3\n");
  problems.clear();
  EXPECT_THAT(parse_yaml_documents("f", "a: 1\n---\n]\n", problems), IsEmpty());
  EXPECT_THAT(to_string(problems), StartsWith("f:3: is not valid YAML"));
  problems.clear();
  EXPECT_THAT(parse_yaml_documents("f", "\xff", problems), IsEmpty());
  EXPECT_EQ(to_string(problems), "f: is not UTF-8 text\n");
}

// Found by the fuzzer: yaml-cpp never gets past such a comma.
TEST(Yaml, DocumentsThatCannotBeginEnd) {
  for (const char* text : {",a: b\n", "a: 1\n---\n,b\n", ",", "? ,\n,", "a: 1\n---\n%x\n,"}) {
    std::vector<Problem> problems;
    parse_yaml_documents("f", text, problems);
    EXPECT_THAT(to_string(problems), HasSubstr("is not valid YAML")) << text;
  }
}

TEST(Yaml, DocumentsAreCounted) {
  std::string text;
  for (std::size_t i = 0; i < kYamlDocumentsMax; ++i) text += "---\n";
  std::vector<Problem> problems;
  EXPECT_EQ(parse_yaml_documents("f", text, problems).size(), kYamlDocumentsMax);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(parse_yaml_documents("f", text + "---\n", problems), IsEmpty());
  EXPECT_EQ(to_string(problems), "f:1001: is not valid YAML: too many documents; at most 1000\n");
}

}  // namespace
}  // namespace socketmesh::config

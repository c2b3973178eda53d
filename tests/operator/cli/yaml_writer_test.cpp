#include "operator/cli/yaml_writer.hpp"

#include <gtest/gtest.h>

#include "operator/cli/manifest.hpp"

namespace socketmesh::op::cli {
namespace {

using nlohmann::json;

// What a reader makes of it.
json read(const std::string& text) {
  const auto documents = parse_manifest("f", text);
  if (!documents) {
    ADD_FAILURE() << config::to_string(documents.error()) << text;
    return nullptr;
  }
  return documents->empty() ? json() : documents->at(0).object;
}

TEST(YamlWriter, WritesAsPeopleDo) {
  EXPECT_EQ(
      to_yaml({{"spec", {{"list", {1, "a", {{"name", "x"}, {"b", true}}}}, {"none", nullptr}}},
               {"metadata", {{"labels", json::object()}, {"name", "it"}}},
               {"kind", "K"},
               {"apiVersion", "v1"},
               {"args", json::array()}}),
      "apiVersion: v1\n"
      "kind: K\n"
      "metadata:\n"
      "  name: it\n"
      "  labels: {}\n"
      "args: []\n"
      "spec:\n"
      "  list:\n"
      "  - 1\n"
      "  - a\n"
      "  - name: x\n"
      "    b: true\n"
      "  none: null\n");
}

TEST(YamlWriter, ListsOfListsAndScalars) {
  EXPECT_EQ(to_yaml(json::parse(R"([[1, [2]], {"a": [[]]}, "x"])")),
            "- - 1\n  - - 2\n- a:\n  - []\n- x\n");
  EXPECT_EQ(to_yaml("text"), "text\n");
  EXPECT_EQ(to_yaml(1.5), "1.5\n");
}

TEST(YamlWriter, QuotesWhatIsNotPlainlyAText) {
  for (const char* plain : {"a", "app.kubernetes.io/name", "registry.example:5000/a/b:1.2",
                            "/var/run", "1.2.3", "64Mi", "v1"}) {
    EXPECT_EQ(to_yaml(plain), std::string(plain) + "\n");
  }
  for (const char* text :
       {"",      "true",  "no",  "on",         "y",  "~",  "null", "1",    "1.5", "0x1F",  "010",
        "1_000", "12:30", "1e3", "2026-01-01", ".5", "-",  "- a",  "a: b", "a:",  "a #b",  "#a",
        "&a",    "*a",    "!a",  "|",          ">",  "%a", "@a",   "`a",   "'a'", "\"a\"", "{a}",
        "[a]",   "a,b",   "?",   "<<",         "=",  " a", "a ",   "$(A)", "25%"}) {
    const std::string written = to_yaml(text);
    EXPECT_TRUE(written.starts_with('"') && written.ends_with("\"\n")) << written;
    EXPECT_EQ(read("k: " + written)["k"], text);
  }
}

TEST(YamlWriter, EscapesWhatReadersTrip) {
  EXPECT_EQ(to_yaml("a\tb\\\"\r"), "\"a\\tb\\\\\\\"\\r\"\n");
  EXPECT_EQ(to_yaml(std::string("\0\x1b\x7f", 3)), "\"\\x00\\x1B\\x7F\"\n");
  EXPECT_EQ(to_yaml("\u0085\u2028\ufeff"), "\"\\x85\\u2028\\uFEFF\"\n");
  EXPECT_EQ(to_yaml("ü€😀"), "\"ü€😀\"\n");
  EXPECT_EQ(to_yaml("\U0001FFFF"), "\"\\U0001FFFF\"\n");
  EXPECT_EQ(to_yaml("a\xff"), "\"a\uFFFD\"\n");
}

TEST(YamlWriter, WritesLinesAsABlock) {
  EXPECT_EQ(to_yaml({{"a", {{"b", "x: 1\n\n  y\n"}}}}), "a:\n  b: |\n    x: 1\n\n      y\n");
  EXPECT_EQ(to_yaml({{"a", "x\ny"}}), "a: |-\n  x\n  y\n");
  EXPECT_EQ(to_yaml(json::array({"x\ny\n"})), "- |\n  x\n  y\n");
  // Blocks that YAML would read differently.
  EXPECT_EQ(to_yaml("x\n\n"), "\"x\\n\\n\"\n");
  EXPECT_EQ(to_yaml(" x\ny\n"), "\" x\\ny\\n\"\n");
  EXPECT_EQ(to_yaml("\nx\n"), "\"\\nx\\n\"\n");
  EXPECT_EQ(to_yaml("x\ty\nz\n"), "\"x\\ty\\nz\\n\"\n");
}

TEST(YamlWriter, SurvivesReading) {
  const json value = {{"map", {{"a.b/c", "1"}, {"", "empty key"}, {"true", true}, {"x y", 0}}},
                      {"numbers", {0, -1, 1.25, 12345678901234}},
                      {"texts", {"a\nb", "a\nb\n", "\n", " ", "é\n", "a\\nb", "'", "trailing \nx"}},
                      {"deep", json::array({json::array({json::object({{"x", json::array()}})})})},
                      {"nothing", nullptr}};
  EXPECT_EQ(read(to_yaml(value)), value);
}

}  // namespace
}  // namespace socketmesh::op::cli

#include "lib/config/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lib/base/endpoint.hpp"
#include "lib/base/parse.hpp"

namespace socketmesh::config {
namespace {

using testing::HasSubstr;

Expected<std::string> any_text(std::string_view text) {
  return std::string(text);
}

Reader read(std::string_view text, Environment environment = {}) {
  return Reader::from_text("f", text, std::move(environment));
}

TEST(Reader, GetsValues) {
  Reader reader = read(
      "a:\n  text: chat\n  size: 64MiB\n  plain: 4096\n  number: 7\n  flag: true\n  list: [x, "
      "'y']\n");
  Section a = reader.section("a");
  EXPECT_EQ(*a.get_text("text", any_text), "chat");
  EXPECT_EQ(*a.get("size", parse_size), 64U << 20U);
  EXPECT_EQ(*a.get("plain", parse_size), 4096U);
  EXPECT_EQ(*a.get_number("number", 1, 7), 7U);
  EXPECT_TRUE(*a.get_bool("flag"));
  const auto list = a.get_list("list", any_text);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(*(*list)[1], "y");
  EXPECT_EQ((*list)[1].key, "a.list[1]");
  EXPECT_FALSE(a.get("absent", parse_size).given);
  EXPECT_EQ(a.get("absent", parse_size).value_or(3), 3U);
  EXPECT_EQ(to_string(reader.finish()), "");
}

TEST(Reader, NamesWhereValuesStand) {
  Reader reader = read("a:\n  b: 1\n", {{"SOCKETMESH_A_C", "2"}});
  Section a = reader.section("a");
  EXPECT_EQ(a.get_number("b", 0, 9).place.to_string(), "f:2");
  EXPECT_EQ(a.get_number("c", 0, 9).place.to_string(), "SOCKETMESH_A_C");
}

TEST(Reader, ReportsEveryProblemInOrder) {
  Reader reader = read("a:\n  size: 1x\n  colour: red\nb: {}\n", {{"SOCKETMESH_A_TIME", "soon"}});
  Section a = reader.section("a");
  a.get("time", parse_duration);
  a.get("size", parse_size);
  a.require(a.get("listen", parse_endpoint), "say where");
  EXPECT_EQ(to_string(reader.finish()),
            "f:1: a.listen: is missing; say where\n"
            "f:2: a.size: '1x' is not a size; write for example 4096, 512KiB, 64MiB\n"
            "f:3: a.colour: is not a known key\n"
            "f:4: b: is not a known section (did you mean 'a'?)\n"
            "SOCKETMESH_A_TIME: a.time: 'soon' is not a duration; write for example 100ms, 30s, "
            "2m, 1h\n");
}

TEST(Reader, RefusesWrongKinds) {
  Reader reader = read(
      "a:\n  t1: on\n  t2: 12\n  t3: ~\n  n1: '5'\n  n2: five\n  n3: 010\n  n4: 1.5\n"
      "  b1: yes\n  b2: 'true'\n  b3: 1\n  s: [1]\n  l: x\n  m: [{}]\n");
  Section a = reader.section("a");
  for (const char* key : {"t1", "t2", "t3"}) EXPECT_FALSE(a.get_text(key, any_text));
  for (const char* key : {"n1", "n2", "n3", "n4"}) EXPECT_FALSE(a.get_number(key, 0, 100));
  for (const char* key : {"b1", "b2", "b3"}) EXPECT_FALSE(a.get_bool(key));
  EXPECT_FALSE(a.get("s", parse_size));
  EXPECT_FALSE(a.get_list("l", any_text));
  EXPECT_FALSE(a.get_list("m", any_text));
  EXPECT_EQ(to_string(reader.finish()),
            "f:2: a.t1: 'on' is a bool; put it in quotes if the text is meant\n"
            "f:3: a.t2: '12' is a number; put it in quotes if the text is meant\n"
            "f:4: a.t3: has no value\n"
            "f:5: a.n1: '5' is a text; a number without quotes is needed\n"
            "f:6: a.n2: 'five' is a text; a number without quotes is needed\n"
            "f:7: a.n3: '010' has a leading zero; write it without\n"
            "f:8: a.n4: '1.5' is not a whole number\n"
            "f:9: a.b1: 'yes' is ambiguous; write true or false\n"
            "f:10: a.b2: 'true' is a text; true or false is needed\n"
            "f:11: a.b3: '1' is a number; true or false is needed\n"
            "f:12: a.s: must be a single value, and is a list\n"
            "f:13: a.l: must be a list, and is a text\n"
            "f:14: a.m[0]: must be a single value, and is a map\n");
}

TEST(Reader, KeepsNumbersInRange) {
  Reader reader = read("a: {low: 1, high: 10}\n");
  Section a = reader.section("a");
  a.get_number("low", 2, 9);
  a.get_number("high", 2, 9);
  EXPECT_EQ(to_string(reader.finish()),
            "f:1: a.low: '1' is too small; at least 2\n"
            "f:1: a.high: '10' is too large; at most 9\n");
}

TEST(Reader, VariablesOverride) {
  Reader reader = read("a: {size: wrong, list: 7, n: 1}\n", {{"SOCKETMESH_A_SIZE", "1KiB"},
                                                             {"SOCKETMESH_A_LIST", "x,y"},
                                                             {"SOCKETMESH_A_N", "2"},
                                                             {"SOCKETMESH_B_FLAG", "true"}});
  Section a = reader.section("a");
  EXPECT_EQ(*a.get("size", parse_size), 1024U);
  EXPECT_EQ(a.get_list("list", any_text)->size(), 2U);
  EXPECT_EQ(*a.get_number("n", 0, 9), 2U);
  Section b = reader.section("b");  // a section may stand in variables alone
  EXPECT_TRUE(*b.get_bool("flag"));
  EXPECT_FALSE(b.in_file());
  EXPECT_EQ(to_string(reader.finish()), "");
}

TEST(Reader, ASectionMayStandInASection) {
  Reader reader = read("a:\n  inner: {x: 7, list: [y]}\n  n: 1\n",
                       {{"SOCKETMESH_A_INNER_X", "8"}, {"SOCKETMESH_A_INNER_Z", "9"}});
  Section a = reader.section("a");
  EXPECT_EQ(*a.get_number("n", 0, 9), 1U);
  Section inner = a.section("inner");
  EXPECT_TRUE(inner.in_file());
  const auto x = inner.get_number("x", 0, 9);
  EXPECT_EQ(*x, 8U);
  EXPECT_EQ(x.place.to_string(), "SOCKETMESH_A_INNER_X");
  EXPECT_EQ(x.key, "a.inner.x");
  EXPECT_EQ(*inner.get_number("z", 0, 9), 9U);
  EXPECT_EQ(inner.get_list("list", any_text)->size(), 1U);
  inner.require(inner.get_text("must", any_text));
  EXPECT_EQ(to_string(reader.finish()), "f:2: a.inner.must: is missing\n");
}

TEST(Reader, ASectionInASectionMayStandInVariablesAlone) {
  Reader reader = read("a:\n  n: 1\n", {{"SOCKETMESH_A_INNER_X", "8"}});
  Section a = reader.section("a");
  a.get_number("n", 0, 9);
  Section inner = a.section("inner");
  EXPECT_FALSE(inner.in_file());
  EXPECT_EQ(*inner.get_number("x", 0, 9), 8U);
  inner.require(inner.get_text("must", any_text));
  EXPECT_EQ(to_string(reader.finish()), "f:1: a.inner.must: is missing\n");
}

TEST(Reader, RefusesWhatASectionInASectionShouldNotHave) {
  const auto problems = [](std::string_view text, Environment environment = {}) {
    Reader reader = read(text, std::move(environment));
    Section a = reader.section("a");
    Section inner = a.section("inner");
    inner.get_text("text", any_text);
    return to_string(reader.finish());
  };
  EXPECT_EQ(problems("a:\n  inner:\n    texd: x\n"),
            "f:3: a.inner.texd: is not a known key (did you mean 'text'?)\n");
  EXPECT_EQ(problems("a: {iner: {}}\n"),
            "f:1: a.iner: is not a known key (did you mean 'inner'?)\n");
  EXPECT_EQ(problems("a:\n  inner: [x]\n"), "f:2: a.inner: must be a map, and is a list\n");
  EXPECT_EQ(problems("a:\n  inner: x\n"), "f:2: a.inner: must be a map, and is a text\n");
  EXPECT_EQ(problems("a.inner: {text: x}\n"), "f:1: a.inner: is not a known section\n");
  EXPECT_EQ(problems("inner: {text: x}\n"), "f:1: inner: is not a known section\n");
  EXPECT_EQ(problems("", {{"SOCKETMESH_A_INNER", "x"}}),
            "SOCKETMESH_A_INNER: is not a known variable\n");
  EXPECT_EQ(problems("a: {inner: }\n"), "");
}

TEST(Reader, ListsInVariables) {
  const auto items = [](const char* value) {
    Reader reader = read("", {{"SOCKETMESH_A_L", value}});
    const auto list = reader.section("a").get_list("l", parse_tcp_endpoint);
    return list ? std::to_string(list->size()) : to_string(reader.finish());
  };
  EXPECT_EQ(items(""), "0");
  EXPECT_EQ(items("a:1"), "1");
  EXPECT_EQ(items("a:1,b:2"), "2");
  EXPECT_EQ(items("a:1,"), "SOCKETMESH_A_L: a.l: '' has no port; write host:port\n");
}

TEST(Reader, RefusesUnknownVariables) {
  Reader reader = read("", {{"SOCKETMESH_LINK_LISTN", "x"},
                            {"SOCKETMESH_WHATEVER", "x"},
                            {"SOCKETMESH_SOCKET", "unix:/x"},
                            {"SOCKETMESH_CHAT_SERVICE_HOST", "10.0.0.1"}});
  Section link = reader.section("link");
  link.get("listen", parse_endpoint);
  EXPECT_EQ(to_string(reader.finish()),
            "SOCKETMESH_LINK_LISTN: is not a known variable (did you mean "
            "'SOCKETMESH_LINK_LISTEN'?)\n"
            "SOCKETMESH_WHATEVER: is not a known variable\n");
}

TEST(Reader, RefusesWithASentence) {
  Reader reader = read("later: {x: 1}\na: {soon: 1}\n", {{"SOCKETMESH_LATER_X", "1"}});
  reader.section("a");
  reader.refuse("later", "", "comes later");
  reader.refuse("a", "soon", "comes soon");
  EXPECT_EQ(to_string(reader.finish()),
            "f:1: later: comes later\nf:2: a.soon: comes soon\nSOCKETMESH_LATER_X: comes later\n");
}

TEST(Reader, SectionsMustBeMaps) {
  Reader reader = read("a: 1\nb:\n");
  Section a = reader.section("a");
  a.require(a.get("x", parse_size));
  Section b = reader.section("b");
  EXPECT_TRUE(b.in_file());
  b.require(b.get("x", parse_size));
  EXPECT_EQ(to_string(reader.finish()),
            "f:1: a: must be a map, and is a number\nf:2: b.x: is missing\n");
}

TEST(Reader, AfterDuplicatesTheRestIsStillRead) {
  Reader reader = read("a: {x: 1, x: 2, y: &b 3, z: *b}\n");
  Section a = reader.section("a");
  EXPECT_EQ(*a.get_number("x", 0, 9), 1U);
  a.require(a.get_number("z", 0, 9));
  a.get_number("y", 0, 2);
  EXPECT_EQ(to_string(reader.finish()),
            "f:1: a.x: is given twice; first on line 1\n"
            "f:1: a.y: anchors (&name) are not supported; write the value out\n"
            "f:1: a.z: aliases (*name) are not supported; write the value out\n"
            "f:1: a.y: '3' is too large; at most 2\n");
}

TEST(Reader, OfNoYamlReportsJustThat) {
  Reader reader = read("a: [\n", {{"SOCKETMESH_X", ""}});
  EXPECT_FALSE(reader.readable());
  Section a = reader.section("a");
  a.require(a.get("x", parse_size));
  EXPECT_EQ(reader.finish().size(), 1U);
  EXPECT_EQ(to_string(read("- a\n").finish()), "f:1: must be a map of sections, and is a list\n");
}

TEST(Reader, NamesFilesThatCannotBeRead) {
  EXPECT_EQ(to_string(Reader::from_file("/absent.yaml", {}).finish()),
            "/absent.yaml: cannot be read: No such file or directory\n");
  EXPECT_EQ(to_string(Reader::from_file("/tmp", {}).finish()),
            "/tmp: cannot be read: is a folder\n");
}

TEST(Reader, LimitsFileSize) {
  const std::string path = testing::TempDir() + "reader_test.yaml";
  const auto problems_at = [&](std::size_t size) {
    std::ofstream(path) << "#" + std::string(size - 2, 'x') + "\n";
    return to_string(Reader::from_file(path, {}).finish());
  };
  EXPECT_EQ(problems_at(kConfigBytesMax), "");
  EXPECT_THAT(problems_at(kConfigBytesMax + 1), HasSubstr("is too large; at most 1MiB"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace socketmesh::config

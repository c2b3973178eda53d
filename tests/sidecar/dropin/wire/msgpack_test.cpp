#include "sidecar/dropin/wire/msgpack.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace socketmesh::dropin::msgpack {
namespace {

using nlohmann::json;

std::string text_at(const json& value, std::string_view key) {
  const Buffer bytes = json::to_msgpack(value);
  const auto fields = read_map(bytes);
  EXPECT_TRUE(fields) << value;
  return fields ? std::string(text_of(*fields, key).value_or("none")) : "malformed";
}

TEST(MessagePack, FindsTextsBesideValuesOfEveryKind) {
  json value = {{"a", "short"},
                {"b", std::string(40, 'x')},
                {"c", std::string(300, 'y')},
                {"d", std::string(70'000, 'z')},
                {"n", {1, -1, 200, -200, 70'000, -70'000, 5'000'000'000, 1.5, true, nullptr}},
                {"m", {{"a", "inner"}, {"deep", json::array({json::array({{{"x", {1}}}})})}}},
                {"bin", json::binary({1, 2, 3})},
                {"ext", json::binary({1, 2, 3}, 7)},
                {"fixext", json::binary({1, 2, 3, 4}, 7)},
                {"z", "end"}};
  EXPECT_EQ(text_at(value, "a"), "short");
  EXPECT_EQ(text_at(value, "b"), std::string(40, 'x'));
  EXPECT_EQ(text_at(value, "c"), std::string(300, 'y'));
  EXPECT_EQ(text_at(value, "d").size(), 70'000U);
  EXPECT_EQ(text_at(value, "n"), "none");
  EXPECT_EQ(text_at(value, "m"), "none");
  EXPECT_EQ(text_at(value, "bin"), "\1\2\3");
  EXPECT_EQ(text_at(value, "z"), "end");
  EXPECT_EQ(text_at(value, "absent"), "none");
}

TEST(MessagePack, EveryCutIsMalformed) {
  const Buffer bytes = json::to_msgpack(
      {{"type", "register"}, {"list", {1, 2, {{"k", "v"}}}}, {"big", std::string(300, 'x')}});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read_map(Bytes(bytes).first(size))) << size;
  Buffer more = bytes;
  more.push_back(0);
  EXPECT_FALSE(read_map(more));
}

TEST(MessagePack, OnlyMapsWithTextKeys) {
  EXPECT_FALSE(read_map(json::to_msgpack(json::array({1}))));
  const Buffer number_key = {0x81, 0x01, 0x01};
  EXPECT_FALSE(read_map(number_key));
  const Buffer never_used = {0x81, 0xa1, 'a', 0xc1};
  EXPECT_FALSE(read_map(never_used));
}

TEST(MessagePack, HostileCountsAndDepthsCostNothing) {
  const Buffer many = {0xdf, 0xff, 0xff, 0xff, 0xff};
  EXPECT_FALSE(read_map(many));
  const Buffer long_text = {0x81, 0xdb, 0xff, 0xff, 0xff, 0xff};
  EXPECT_FALSE(read_map(long_text));
  // Two items each, so that no level can be forgotten.
  Buffer deep = {0x81, 0xa1, 'a'};
  deep.insert(deep.end(), 60'000, 0x92);
  EXPECT_FALSE(read_map(deep));
  const auto nested = [](std::size_t depth) {
    Buffer bytes = {0x81, 0xa1, 'a'};
    for (std::size_t i = 0; i < depth; ++i) bytes.push_back(0x92);
    for (std::size_t i = 0; i < depth + 1; ++i) bytes.push_back(0x01);
    return bytes;
  };
  EXPECT_TRUE(read_map(nested(kDepthMax)));
  EXPECT_FALSE(read_map(nested(kDepthMax + 1)));
}

TEST(MessagePack, OfTwoFieldsTheLastCounts) {
  const Buffer bytes = {0x82, 0xa1, 'a', 0xa1, '1', 0xa1, 'a', 0xa1, '2'};
  EXPECT_EQ(text_of(*read_map(bytes), "a"), "2");
}

TEST(MessagePack, WhatIsWrittenIsReadByOthers) {
  for (const std::size_t size : {0U, 31U, 32U, 255U, 256U, 70'000U}) {
    Buffer out;
    write_map_head(out, 1);
    write_text(out, "k");
    write_text(out, std::string(size, 'x'));
    EXPECT_EQ(json::from_msgpack(out), json({{"k", std::string(size, 'x')}}));
  }
  for (const std::uint32_t items : {0U, 15U, 16U, 70'000U}) {
    Buffer out;
    write_array_head(out, items);
    for (std::uint32_t i = 0; i < items; ++i) write_text(out, "");
    EXPECT_EQ(json::from_msgpack(out).size(), items);
  }
}

}  // namespace
}  // namespace socketmesh::dropin::msgpack

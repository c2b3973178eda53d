#include "lib/kube/decode.hpp"

#include <gtest/gtest.h>

namespace socketmesh::kube {
namespace {

std::string nested(int depth) {
  const auto times = static_cast<std::size_t>(depth);
  return std::string(times, '[') + std::string(times, ']');
}

TEST(Decode, JsonMayNestToItsLimitAndNoDeeper) {
  EXPECT_TRUE(parse_json(nested(kJsonDepthMax)).has_value());
  const auto deeper = parse_json(nested(kJsonDepthMax + 1));
  ASSERT_FALSE(deeper.has_value());
  EXPECT_EQ(deeper.error(), "JSON nested too deep");
  EXPECT_FALSE(parse_json(nested(1'000'000)).has_value());
}

TEST(Decode, WhatIsNoJsonIsSaidToBeNone) {
  for (const std::string_view text : {"", " ", "{", "{} {}", "nul", "\"\xff\"", "{\"a\":1,}"}) {
    EXPECT_FALSE(parse_json(text).has_value()) << text;
  }
}

TEST(Decode, APageHasItemsVersionAndContinuation) {
  const auto page = decode_list_page(
      R"({"kind":"PodList","metadata":{"resourceVersion":"12","continue":"abc","remainingItemCount":3},
          "items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})");
  ASSERT_TRUE(page.has_value()) << page.error();
  EXPECT_EQ(page->resource_version, "12");
  EXPECT_EQ(page->continue_token, "abc");
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(metadata_text(page->items[1], "name"), "b");
}

TEST(Decode, EventsHaveATypeAnObjectAndAVersion) {
  using Type = WatchEvent::Type;
  const std::vector<std::pair<std::string, Type>> types = {
      {"ADDED", Type::kAdded}, {"MODIFIED", Type::kModified}, {"DELETED", Type::kDeleted}};
  for (const auto& [name, type] : types) {
    const auto event = decode_watch_event(
        R"({"type":")" + name + R"(","object":{"metadata":{"resourceVersion":"7","name":"a"}}})");
    ASSERT_TRUE(event.has_value()) << event.error();
    EXPECT_EQ(event->type, type);
    EXPECT_EQ(event->resource_version, "7");
    EXPECT_EQ(metadata_text(event->object, "name"), "a");
  }
}

TEST(Decode, ABookmarkKeepsNothingButItsVersion) {
  const auto event = decode_watch_event(
      R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"70"}}})");
  ASSERT_TRUE(event.has_value()) << event.error();
  EXPECT_EQ(event->resource_version, "70");
  EXPECT_TRUE(event->object.is_null());
}

TEST(Decode, AnErrorHasACodeAndAMessageIfTheyAreGood) {
  const auto error = [](const std::string& object) {
    const auto event = decode_watch_event(R"({"type":"ERROR","object":)" + object + "}");
    EXPECT_TRUE(event.has_value());
    return std::pair(event->error_code, event->error_message);
  };
  using Pair = std::pair<unsigned, std::string>;
  EXPECT_EQ(error(R"({"kind":"Status","code":410,"message":"too old"})"), Pair(410, "too old"));
  EXPECT_EQ(error(R"({"code":999})"), Pair(999, ""));
  EXPECT_EQ(error(R"({"code":1000})"), Pair(0, ""));
  EXPECT_EQ(error(R"({"code":-1,"message":5})"), Pair(0, ""));
  EXPECT_EQ(error(R"({"code":"410"})"), Pair(0, ""));
  EXPECT_EQ(error("{}"), Pair(0, ""));
}

TEST(Decode, MetadataIsReadFromAnything) {
  EXPECT_EQ(metadata_text(nlohmann::json(), "name"), "");
  EXPECT_EQ(metadata_text(nlohmann::json::array({1}), "name"), "");
  EXPECT_EQ(metadata_text({{"metadata", 7}}, "name"), "");
  EXPECT_EQ(metadata_text({{"metadata", {{"name", 7}}}}, "name"), "");
  EXPECT_EQ(metadata_text({{"metadata", {{"name", "a"}}}}, "name"), "a");
}

TEST(Decode, TheMessageOfARefusal) {
  EXPECT_EQ(status_message(R"({"kind":"Status","message":"pods is forbidden"})"),
            "pods is forbidden");
  EXPECT_EQ(status_message("plain text"), "");
  EXPECT_EQ(status_message(R"(["message"])"), "");
  EXPECT_EQ(status_message(R"({"message":{}})"), "");
}

}  // namespace
}  // namespace socketmesh::kube

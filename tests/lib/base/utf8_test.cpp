#include "lib/base/utf8.hpp"

#include <gtest/gtest.h>

namespace socketmesh {
namespace {

TEST(Utf8, MeasuresCharacters) {
  EXPECT_EQ(utf8_sequence_length("a"), 1U);
  EXPECT_EQ(utf8_sequence_length("é!"), 2U);
  EXPECT_EQ(utf8_sequence_length("€"), 3U);
  EXPECT_EQ(utf8_sequence_length("😀"), 4U);
  EXPECT_EQ(utf8_sequence_length(""), 0U);
}

TEST(Utf8, RefusesMalformedBytes) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xED\xA0\x80", "\xE2\x82",
        "\xE2\x82(", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8(text));
  }
  EXPECT_TRUE(is_utf8("zażółć 😀 \xF4\x8F\xBF\xBF \xEE\x80\x80"));
  EXPECT_FALSE(is_utf8("good\xFF"));
}

TEST(Utf8, PrefixesKeepCharactersWhole) {
  EXPECT_EQ(utf8_prefix("abc", 3), "abc");
  EXPECT_EQ(utf8_prefix("abc", 2), "ab");
  EXPECT_EQ(utf8_prefix("", 0), "");
  const std::string_view text = "a\u00e9\u20ac\U0001f600";  // 1, 2, 3 and 4 bytes
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t max = 0; max < std::size(ends); ++max) {
    EXPECT_EQ(utf8_prefix(text, max).size(), ends[max]) << max;
  }
}

}  // namespace
}  // namespace socketmesh

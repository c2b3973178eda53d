#include "lib/base/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(ParseUint, TakesDecimalDigits) {
  EXPECT_EQ(*parse_uint("0"), 0U);
  EXPECT_EQ(*parse_uint("7400"), 7400U);
  EXPECT_EQ(*parse_uint("18446744073709551615"), 18446744073709551615U);
}

TEST(ParseUint, RefusesEverythingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "1.0", "0x10", "1e3", "one", "1_000"}) {
    EXPECT_FALSE(parse_uint(text)) << text;
  }
  EXPECT_THAT(parse_uint("010").error(), HasSubstr("leading zero"));
  EXPECT_THAT(parse_uint("18446744073709551616").error(), HasSubstr("too large"));
}

TEST(ParseUint, KeepsToTheMaximum) {
  EXPECT_TRUE(parse_uint("65535", 65535));
  EXPECT_EQ(parse_uint("65536", 65535).error(), "'65536' is too large; at most 65535");
}

TEST(ParseDuration, TakesUnits) {
  EXPECT_EQ(*parse_duration("100ms"), milliseconds(100));
  EXPECT_EQ(*parse_duration("120s"), milliseconds(120'000));
  EXPECT_EQ(*parse_duration("2m"), milliseconds(120'000));
  EXPECT_EQ(*parse_duration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(*parse_duration("24h0m0s"), milliseconds(86'400'000));
  EXPECT_EQ(*parse_duration("0s"), milliseconds(0));
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", "s", "1d", "1.5s", "-1s", "1 s", "1s 2ms", "1s1h", "1s1s", "01s", "1sm", "1µs"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_THAT(parse_duration("30").error(), HasSubstr("has no unit"));
  EXPECT_THAT(parse_duration("1h30").error(), HasSubstr("has no unit"));
}

TEST(ParseDuration, KeepsToTheMaximum) {
  EXPECT_EQ(*parse_duration("8760h"), kDurationMax);
  EXPECT_THAT(parse_duration("8760h1ms").error(), HasSubstr("too long"));
  EXPECT_FALSE(parse_duration("99999999999999999999h"));
}

TEST(ParseSize, TakesUnits) {
  EXPECT_EQ(*parse_size("4096"), 4096U);
  EXPECT_EQ(*parse_size("512B"), 512U);
  EXPECT_EQ(*parse_size("64KiB"), 65536U);
  EXPECT_EQ(*parse_size("64Mi"), 67108864U);
  EXPECT_EQ(*parse_size("64MiB"), 67108864U);
  EXPECT_EQ(*parse_size("2GiB"), 2147483648U);
  EXPECT_EQ(*parse_size("64M"), 64'000'000U);
  EXPECT_EQ(*parse_size("1kB"), 1000U);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "MiB", "1.5MiB", "-1", "64 MiB", "64mib", "64KB", "1TiB", "007"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(ParseSize, KeepsToTheMaximum) {
  EXPECT_EQ(*parse_size("9007199254740992"), kSizeMax);
  EXPECT_FALSE(parse_size("9007199254740993"));
  EXPECT_FALSE(parse_size("18446744073709551615GiB"));
}

TEST(Format, ReadsBack) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(format_duration(milliseconds(5'400'100)), "1h30m100ms");
  EXPECT_EQ(format_size(67108864), "64MiB");
  EXPECT_EQ(format_size(1000), "1000B");
  EXPECT_EQ(format_size(0), "0B");
  for (const std::uint64_t n : {1U, 999U, 1024U, 60'000U, 3'600'000U, 86'461'001U}) {
    EXPECT_EQ(*parse_duration(format_duration(milliseconds(n))), milliseconds(n));
    EXPECT_EQ(*parse_size(format_size(n)), n);
  }
}

}  // namespace
}  // namespace socketmesh

#include "lib/obs/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace socketmesh::obs {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

constexpr LogTime kTime = LogTime(milliseconds(1'700'000'000'123));

std::string text_line(std::string_view message, std::vector<LogField> fields) {
  return format_log_line(LogFormat::kText, kTime, LogLevel::kInfo, message, fields);
}

nlohmann::json json_line(std::string_view message, std::vector<LogField> fields) {
  return nlohmann::json::parse(
      format_log_line(LogFormat::kJson, kTime, LogLevel::kWarn, message, fields));
}

TEST(Log, TextIsReadable) {
  const std::string name = "b";
  EXPECT_EQ(text_line("peer up", {{"peer", name}, {"rtt_us", 120}, {"ratio", 0.5}, {"tls", true}}),
            "2023-11-14T22:13:20.123Z INFO  peer up peer=b rtt_us=120 ratio=0.5 tls=true");
}

TEST(Log, TextQuotesWhatNeedsIt) {
  EXPECT_THAT(text_line("m", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "q\"q"}}),
              EndsWith(R"(m a="two words" b="" c="x=y" d="q\"q")"));
}

TEST(Log, ALineStaysALine) {
  const std::string line = text_line("forged\nline", {{"a", "x\n2023 ERROR forged\x1b[31m"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(Log, JsonParsesWhateverTheBytes) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  const nlohmann::json line = json_line("m \"q\" \\", {{"bytes", bytes}, {"ok", "zażółć"}});
  EXPECT_EQ(line["ts"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(line["level"], "warn");
  EXPECT_EQ(line["msg"], "m \"q\" \\");
  EXPECT_EQ(line["ok"], "zażółć");
}

TEST(Log, JsonKeepsTypes) {
  const nlohmann::json line = json_line("m", {{"i", -1},
                                              {"u", std::numeric_limits<std::uint64_t>::max()},
                                              {"d", 0.25},
                                              {"nan", std::numeric_limits<double>::quiet_NaN()},
                                              {"b", false}});
  EXPECT_EQ(line["i"], -1);
  EXPECT_EQ(line["u"], std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(line["d"], 0.25);
  EXPECT_TRUE(line["nan"].is_null());
  EXPECT_EQ(line["b"], false);
}

TEST(Log, CutsLongValues) {
  const std::string exact(kLogValueBytesMax, 'a');
  EXPECT_EQ(json_line("m", {{"a", exact}})["a"], exact);
  EXPECT_EQ(json_line("m", {{"a", exact + "b"}})["a"], exact + "...");
}

TEST(Log, LeavesOutFieldsOfALongLine) {
  const std::string value(kLogValueBytesMax, 'a');
  const std::vector<LogField> fields(20, LogField("a", value));
  const std::string line = text_line("m", fields);
  EXPECT_LE(line.size(), kLogLineBytesMax + 32);
  EXPECT_THAT(line, HasSubstr(" omitted=13"));
}

TEST(Logger, WritesWhatItsLevelLets) {
  std::vector<std::string> lines;
  Logger logger(LogLevel::kWarn, LogFormat::kText,
                [&](std::string_view line) { lines.emplace_back(line); });
  logger.info("quiet");
  logger.warn("loud", {{"n", 1}});
  logger.set_level(LogLevel::kDebug);
  logger.debug("now loud");
  EXPECT_TRUE(logger.enabled(LogLevel::kDebug));
  EXPECT_THAT(lines, ElementsAre(EndsWith("WARN  loud n=1\n"), EndsWith("DEBUG now loud\n")));
}

TEST(Logger, ReadsItsNames) {
  for (const auto level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    EXPECT_EQ(parse_log_level(to_string(level)), level);
  }
  EXPECT_EQ(parse_log_level("Info"), std::nullopt);
  EXPECT_EQ(parse_log_format("json"), LogFormat::kJson);
  EXPECT_EQ(parse_log_format("text"), LogFormat::kText);
  EXPECT_EQ(parse_log_format("xml"), std::nullopt);
}

TEST(LogLimiter, LetsABurstThroughAndCountsTheRest) {
  const LogLimiter::Time start{};
  LogLimiter limiter(2, milliseconds(100));
  EXPECT_EQ(limiter.admit(start), 0U);
  EXPECT_EQ(limiter.admit(start + milliseconds(1)), 0U);
  EXPECT_EQ(limiter.admit(start + milliseconds(2)), std::nullopt);
  EXPECT_EQ(limiter.admit(start + milliseconds(99)), std::nullopt);
  EXPECT_EQ(limiter.admit(start + milliseconds(100)), 2U);
  EXPECT_EQ(limiter.admit(start + milliseconds(100)), 0U);
  EXPECT_EQ(limiter.admit(start + milliseconds(100)), std::nullopt);
}

}  // namespace
}  // namespace socketmesh::obs

#include "sidecar/shell/log_fields.hpp"

#include <gtest/gtest.h>

#include <string>

namespace socketmesh::shell {
namespace {

std::string split(std::string_view text) {
  std::string joined;
  for (const obs::LogField& field : split_log_fields(text)) {
    joined += std::string(field.key()) + ":" +
              std::string(std::get<std::string_view>(field.value())) + ";";
  }
  return joined;
}

TEST(LogFields, SplitsPairs) {
  EXPECT_EQ(split("peer=b rtt_us=120"), "peer:b;rtt_us:120;");
  EXPECT_EQ(split("  peer=b "), "peer:b;");
  EXPECT_EQ(split(""), "");
}

TEST(LogFields, KeepsQuotedSpacesAndEmptyValues) {
  EXPECT_EQ(split("reason=\"took too long\" n=1 x="), "reason:took too long;n:1;x:;");
}

TEST(LogFields, LosesNothingOfOtherText) {
  EXPECT_EQ(split("odd words a=1"), "detail:odd;detail:words;a:1;");
  EXPECT_EQ(split("a=\"open"), "a:open;");
}

}  // namespace
}  // namespace socketmesh::shell

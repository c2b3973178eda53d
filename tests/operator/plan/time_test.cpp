#include "operator/plan/time.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using namespace std::chrono_literals;

TEST(Time, FormatsAsKubernetesDoes) {
  EXPECT_EQ(format_time(0s), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(1'795'426'731s + 999'999us), "2026-11-23T09:38:51Z");
  EXPECT_EQ(format_micro_time(1'795'426'731s + 123us), "2026-11-23T09:38:51.000123Z");
  EXPECT_EQ(format_time(1'709'164'800s), "2024-02-29T00:00:00Z");
}

TEST(Time, ReadsBackWhatItWrites) {
  for (const UnixTime time : {UnixTime(0), UnixTime(1'795'426'731'000'123), UnixTime(999'999)})
    EXPECT_EQ(parse_time(format_micro_time(time)), time);
}

TEST(Time, ReadsWhatOthersWrite) {
  EXPECT_EQ(parse_time("2026-11-23T09:38:51Z"), 1'795'426'731s);
  EXPECT_EQ(parse_time("2026-11-23T09:38:51.5Z"), 1'795'426'731s + 500ms);
  EXPECT_EQ(parse_time("2026-11-23T09:38:51.1234569Z"), 1'795'426'731s + 123'456us);
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "Z", "2026-11-23", "2026-11-23T09:38:51", "2026-11-23 09:38:51Z",
        "2026-13-23T09:38:51Z", "2026-02-30T09:38:51Z", "2026-11-23T24:38:51Z",
        "2026-11-23T09:60:51Z", "2026-11-23T09:38:51.Z", "2026-11-23T09:38:51.xZ",
        "2026-11-23T09:38:51+01:00", "2o26-11-23T09:38:51Z"})
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
}

}  // namespace
}  // namespace socketmesh::op::plan

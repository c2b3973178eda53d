#include "sidecar/shell/tls/reload_schedule.hpp"

#include <gtest/gtest.h>

namespace socketmesh::shell {
namespace {

using Verdict = ReloadSchedule::Verdict;

net::TlsFilesMark marked(std::int64_t version) {
  net::TlsFilesMark mark{};
  mark[1].changed_ns = version;
  return mark;
}

TEST(ReloadSchedule, IsQuietWhileNothingChanges) {
  ReloadSchedule schedule(marked(1));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(schedule.look(marked(1)), Verdict::kNothing);
}

TEST(ReloadSchedule, ReadsAChangeOnceItHoldsStill) {
  ReloadSchedule schedule(marked(1));
  EXPECT_EQ(schedule.look(marked(2)), Verdict::kNothing);
  EXPECT_EQ(schedule.look(marked(3)), Verdict::kNothing);
  EXPECT_EQ(schedule.look(marked(3)), Verdict::kChanged);
  EXPECT_EQ(schedule.look(marked(3)), Verdict::kNothing);
}

TEST(ReloadSchedule, ForgetsAChangeThatWasTakenBack) {
  ReloadSchedule schedule(marked(1));
  EXPECT_EQ(schedule.look(marked(2)), Verdict::kNothing);
  EXPECT_EQ(schedule.look(marked(1)), Verdict::kNothing);
  EXPECT_EQ(schedule.look(marked(1)), Verdict::kNothing);
}

TEST(ReloadSchedule, TriesARefusedSetAgainNowAndThen) {
  ReloadSchedule schedule(marked(1));
  schedule.look(marked(2));
  ASSERT_EQ(schedule.look(marked(2)), Verdict::kChanged);
  schedule.refused();
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i < ReloadSchedule::kRetryLooks; ++i) {
      EXPECT_EQ(schedule.look(marked(2)), Verdict::kNothing);
    }
    EXPECT_EQ(schedule.look(marked(2)), Verdict::kRetry);
    if (round == 0) schedule.refused();
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(schedule.look(marked(2)), Verdict::kNothing);
}

TEST(ReloadSchedule, ReadsTheNextSetAfterARefusedOne) {
  ReloadSchedule schedule(marked(1));
  schedule.look(marked(2));
  schedule.look(marked(2));
  schedule.refused();
  schedule.look(marked(3));
  EXPECT_EQ(schedule.look(marked(3)), Verdict::kChanged);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(schedule.look(marked(3)), Verdict::kNothing);
}

}  // namespace
}  // namespace socketmesh::shell

#include "sidecar/shell/time_slice.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

namespace socketmesh::shell {
namespace {

// The kernel's sched_attr in its first size: its header and the C library's <sched.h>, which
// <thread> needs, can't be included together.
struct Attributes {
  std::uint32_t size, sched_policy;
  std::uint64_t sched_flags;
  std::int32_t sched_nice;
  std::uint32_t sched_priority;
  std::uint64_t sched_runtime, sched_deadline, sched_period;
};

Attributes attributes() {
  Attributes got{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, &got, sizeof got, 0U), 0);
  return got;
}

// What a thread asks for is its own: the tests go on as they were.
template <typename Do>
void in_a_thread(Do&& act) {
  std::thread(act).join();
}

TEST(TimeSlice, IsShortAndNothingElseChanges) {
  in_a_thread([] {
    const auto before = attributes();
    ASSERT_TRUE(ask_for_short_time_slices());
    const auto after = attributes();
    EXPECT_EQ(after.sched_policy, before.sched_policy);
    EXPECT_EQ(after.sched_nice, before.sched_nice);
    // Linux tells a slice since 6.12, and only since then takes one.
    if (before.sched_runtime != 0) {
      EXPECT_EQ(after.sched_runtime, kTimeSliceNs);
    }
  });
}

TEST(TimeSlice, IsForThreadsStartedLaterToo) {
  in_a_thread([] {
    ASSERT_TRUE(ask_for_short_time_slices());
    const auto mine = attributes().sched_runtime;
    in_a_thread([mine] { EXPECT_EQ(attributes().sched_runtime, mine); });
  });
}

TEST(TimeSlice, AnotherPolicyStaysWhoeverChoseIt) {
  in_a_thread([] {
    const sched_param plain{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &plain), 0);
    const auto before = attributes();
    EXPECT_FALSE(ask_for_short_time_slices());
    EXPECT_EQ(attributes().sched_policy, before.sched_policy);
    EXPECT_EQ(attributes().sched_runtime, before.sched_runtime);
  });
}

}  // namespace
}  // namespace socketmesh::shell

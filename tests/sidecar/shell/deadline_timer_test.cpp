#include "sidecar/shell/deadline_timer.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sidecar/shell/node_driver.hpp"

namespace socketmesh::shell {
namespace {

constexpr node::TimeUs kEarly = 20 * node::kMillisecondUs;
constexpr node::TimeUs kLate = 60 * node::kMillisecondUs;
constexpr node::TimeUs kFar = 60 * node::kSecondUs;

class DeadlineTimerTest : public testing::Test {
 protected:
  // How long after the beginning each call came.
  std::vector<node::TimeUs> calls;
  boost::asio::io_context io;
  const node::TimeUs begin = steady_now_us();
  DeadlineTimer timer{io, [this] { calls.push_back(steady_now_us() - begin); }};
};

TEST_F(DeadlineTimerTest, FiresOnceForTheEarliestWhicheverCameFirst) {
  timer.arm(begin + kFar);
  timer.arm(begin + kEarly);
  timer.arm(begin + kFar);
  timer.arm(node::kNever);
  io.run();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_GE(calls[0], kEarly);
  EXPECT_LT(calls[0], kFar);
}

TEST_F(DeadlineTimerTest, IsFreeAgainOnceItFired) {
  timer.arm(begin + kEarly);
  io.run();
  io.restart();
  timer.arm(begin + kLate);
  io.run();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_GE(calls[1], kLate);
}

TEST_F(DeadlineTimerTest, NeverIsNoDeadline) {
  timer.arm(node::kNever);
  io.run();
  EXPECT_TRUE(calls.empty());
}

}  // namespace
}  // namespace socketmesh::shell

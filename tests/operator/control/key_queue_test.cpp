#include "operator/control/key_queue.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace socketmesh::op::control {
namespace {

using namespace std::chrono_literals;

TEST(KeyQueue, TakeWaitsForAKey) {
  KeyQueue queue;
  std::thread adder([&] {
    std::this_thread::sleep_for(20ms);
    queue.add("a");
  });
  EXPECT_EQ(queue.take(), "a");
  adder.join();
  queue.succeeded("a", std::nullopt);
  EXPECT_TRUE(queue.drained(0s));
}

TEST(KeyQueue, TakeWakesForADelayedKey) {
  KeyQueue queue;
  queue.add_after("a", 20ms);
  EXPECT_EQ(queue.take(), "a");
  queue.succeeded("a", 20ms);
  EXPECT_EQ(queue.take(), "a") << "once more, as was asked";
  queue.failed("a");
  EXPECT_EQ(queue.take(), "a") << "after the pause of a first failure";
  EXPECT_EQ(queue.snapshot().figures.retries, 1U);
}

TEST(KeyQueue, ShutDownEndsWaitingAndDrainedWaitsForWork) {
  KeyQueue queue;
  queue.add("a");
  ASSERT_EQ(queue.take(), "a");
  std::thread waiting([&] { EXPECT_EQ(queue.take(), std::nullopt); });
  queue.shut_down();
  waiting.join();
  EXPECT_FALSE(queue.drained(10ms));
  std::thread worker([&] {
    std::this_thread::sleep_for(20ms);
    queue.succeeded("a", 1s);
  });
  EXPECT_TRUE(queue.drained(5s));
  worker.join();
}

TEST(KeyQueue, TellsOfTheLongestRunning) {
  KeyQueue queue;
  EXPECT_EQ(queue.longest_running(), 0s);
  queue.add("a");
  ASSERT_EQ(queue.take(), "a");
  std::this_thread::sleep_for(10ms);
  EXPECT_GE(queue.longest_running(), 10ms);
}

}  // namespace
}  // namespace socketmesh::op::control

#include "operator/plan/work_queue.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using namespace std::chrono_literals;

const WorkQueueLimits kLimits{100ms, 1s, 1, 3};

TEST(WorkQueue, GivesEachKeyOnceInOrder) {
  WorkQueue queue;
  queue.add("a", 0s);
  queue.add("b", 1s);
  queue.add("a", 2s);
  EXPECT_EQ(queue.take(3s), "a");
  EXPECT_EQ(queue.take(3s), "b");
  EXPECT_EQ(queue.take(3s), std::nullopt);
  EXPECT_EQ(queue.figures(3s).adds, 2U);
}

TEST(WorkQueue, NeverGivesAKeyThatIsBeingWorkedOn) {
  WorkQueue queue;
  queue.add("a", 0s);
  ASSERT_EQ(queue.take(0s), "a");
  queue.add("a", 1s);
  queue.add("a", 1s);
  EXPECT_EQ(queue.take(1s), std::nullopt);
  queue.done("a", 2s);
  EXPECT_EQ(queue.take(2s), "a");
  queue.done("a", 3s);
  EXPECT_EQ(queue.take(3s), std::nullopt);
}

TEST(WorkQueue, DelayedKeysRipenInTheirOrder) {
  WorkQueue queue;
  queue.add_after("late", 5s, 0s);
  queue.add_after("early", 2s, 0s);
  EXPECT_EQ(queue.take(1s), std::nullopt);
  EXPECT_EQ(queue.next_deadline(), 2s);
  EXPECT_EQ(queue.take(2s), "early");
  EXPECT_EQ(queue.next_deadline(), 5s);
  EXPECT_EQ(queue.take(5s), "late");
  EXPECT_EQ(queue.next_deadline(), std::nullopt);
}

TEST(WorkQueue, OfTwoDelaysTheEarlierCounts) {
  WorkQueue queue;
  queue.add_after("a", 5s, 0s);
  queue.add_after("a", 9s, 0s);
  EXPECT_EQ(queue.next_deadline(), 5s);
  queue.add_after("a", 1s, 0s);
  EXPECT_EQ(queue.take(1s), "a");
  queue.done("a", 1s);
  EXPECT_EQ(queue.take(20s), std::nullopt) << "the later time was given up";
}

TEST(WorkQueue, ADelayOfNothingIsAnAdd) {
  WorkQueue queue;
  queue.add_after("a", 0s, 0s);
  EXPECT_EQ(queue.take(0s), "a");
}

// When the key comes back after another failure at `now`.
MonoTime pause_after_failure(WorkQueue& queue, const std::string& key, MonoTime now) {
  queue.add_rate_limited(key, now);
  const MonoTime at = queue.next_deadline().value();
  EXPECT_EQ(queue.take(at), key);
  queue.done(key, at);
  return at - now;
}

TEST(WorkQueue, FailuresPauseTwiceAsLongUpToTheLimit) {
  WorkQueue queue({100ms, 1s, 1000, 1000});
  EXPECT_EQ(pause_after_failure(queue, "a", 10s), 100ms);
  EXPECT_EQ(pause_after_failure(queue, "a", 20s), 200ms);
  EXPECT_EQ(pause_after_failure(queue, "a", 30s), 400ms);
  EXPECT_EQ(pause_after_failure(queue, "b", 40s), 100ms) << "each key has its own pause";
  EXPECT_EQ(pause_after_failure(queue, "a", 50s), 800ms);
  EXPECT_EQ(pause_after_failure(queue, "a", 60s), 1s);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pause_after_failure(queue, "a", 70s + i * 2s), 1s);
  EXPECT_EQ(queue.failures("a"), 105U);
  queue.forget("a");
  EXPECT_EQ(queue.failures("a"), 0U);
  EXPECT_EQ(pause_after_failure(queue, "a", 900s), 100ms);
}

TEST(WorkQueue, AllRetriesShareABucket) {
  WorkQueue queue(kLimits);
  for (const char* key : {"a", "b", "c", "d", "e"}) queue.add_rate_limited(key, 0s);
  EXPECT_EQ(queue.next_deadline(), 100ms);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.take(100ms)) << "the burst";
  EXPECT_EQ(queue.next_deadline(), 1s) << "then one a second";
  EXPECT_EQ(queue.take(1s), "d");
  EXPECT_EQ(queue.next_deadline(), 2s);
  EXPECT_EQ(queue.take(2s), "e");
  // The bucket fills no further than the burst.
  for (int i = 0; i < 4; ++i) queue.add_rate_limited("f" + std::to_string(i), 100s);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.take(100s + 100ms));
  EXPECT_EQ(queue.take(100s + 100ms), std::nullopt);
}

TEST(WorkQueue, FiguresTellOfTheLongestRunning) {
  WorkQueue queue;
  queue.add("a", 0s);
  queue.add("b", 1s);
  queue.add("c", 1s);
  ASSERT_EQ(queue.take(1s), "a");
  ASSERT_EQ(queue.take(3s), "b");
  const auto figures = queue.figures(11s);
  EXPECT_EQ(figures.depth, 1U);
  EXPECT_EQ(figures.longest_running, 10s);
  EXPECT_EQ(figures.unfinished, 18s);
  EXPECT_EQ(queue.queue_us().sum(), 3'000'000U);
  queue.done("a", 11s);
  EXPECT_EQ(queue.work_us().sum(), 10'000'000U);
  EXPECT_EQ(queue.figures(11s).longest_running, 8s);
  queue.add_rate_limited("a", 11s);
  EXPECT_EQ(queue.figures(11s).retries, 1U);
}

TEST(WorkQueue, AfterShutdownOnlyWhatRunsMayFinish) {
  WorkQueue queue;
  queue.add("a", 0s);
  queue.add("b", 0s);
  queue.add_after("c", 1s, 0s);
  ASSERT_EQ(queue.take(0s), "a");
  queue.shut_down();
  queue.add("d", 1s);
  queue.add("a", 1s);
  queue.add_after("e", 1s, 1s);
  queue.add_rate_limited("f", 1s);
  EXPECT_EQ(queue.take(9s), std::nullopt);
  EXPECT_EQ(queue.next_deadline(), std::nullopt);
  EXPECT_FALSE(queue.idle());
  queue.done("a", 2s);
  EXPECT_TRUE(queue.idle());
  EXPECT_EQ(queue.take(9s), std::nullopt);
}

}  // namespace
}  // namespace socketmesh::op::plan

#include "operator/control/workers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "operator/control/chores.hpp"

namespace socketmesh::op::control {
namespace {

using namespace std::chrono_literals;

const obs::Logger kQuiet{obs::LogLevel::kError, obs::LogFormat::kText, [](std::string_view) {}};

bool eventually(const std::function<bool()>& is) {
  for (int i = 0; i < 500; ++i) {
    if (is()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

TEST(Workers, CountWhatBecameOfEachReconcile) {
  KeyQueue queue;
  std::atomic<int> failures = 2;
  Workers workers(queue, kQuiet, [&](const std::string& key) -> ReconcileResult {
    if (key == "throws" && failures-- > 0) throw std::runtime_error("no luck");
    if (key == "later") return {"", std::chrono::hours(1)};
    return {};
  });
  workers.start([] { return true; });
  for (const char* key : {"good", "throws", "later"}) queue.add(key);
  EXPECT_TRUE(eventually([&] {
    const auto outcomes = workers.figures().outcomes;
    return outcomes[0] == 2 && outcomes[1] == 1 && outcomes[2] == 2;
  })) << "a failure is tried again, whatever it was";
  EXPECT_EQ(workers.figures().durations_us.count(), 5U);
  queue.shut_down();
  workers.join();
  EXPECT_EQ(workers.figures().active, 0U);
}

TEST(Workers, DoNotStartWhenTheyAreNotReady) {
  KeyQueue queue;
  queue.add("a");
  Workers workers(queue, kQuiet, [](const std::string&) -> ReconcileResult {
    ADD_FAILURE() << "nothing may be reconciled";
    return {};
  });
  workers.start([] { return false; });
  workers.join();
}

TEST(Chores, RunWhenTheyWantToAndWhenWoken) {
  Chores chores(kQuiet);
  std::atomic<int> often = 0;
  std::atomic<int> rarely = 0;
  chores.add([&]() -> plan::MonoTime {
    ++often;
    return 5ms;
  });
  chores.add([&]() -> plan::MonoTime {
    if (++rarely == 1) throw std::runtime_error("no luck");
    return std::chrono::hours(1);
  });
  chores.start();
  EXPECT_TRUE(eventually([&] { return often >= 5; }));
  EXPECT_EQ(rarely, 1);
  chores.wake();
  EXPECT_TRUE(eventually([&] { return rarely == 2; }));
  chores.stop();
  const int stopped = often;
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(often, stopped);
}

}  // namespace
}  // namespace socketmesh::op::control

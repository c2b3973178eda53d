#include "operator/control/leadership.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "operator/control/clock.hpp"
#include "tests/operator/control/api_fixture.hpp"

namespace socketmesh::op::control {
namespace {

using namespace std::chrono_literals;

const std::string kLease =
    "/apis/coordination.k8s.io/v1/namespaces/system/leases/socketmesh-operator";

// Waits for what must come; fails the test when it does not.
bool eventually(const std::function<bool()>& is) {
  for (int i = 0; i < 1000; ++i) {
    if (is()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

class LeadershipTest : public ApiFixture {
 protected:
  struct Replica {
    std::atomic<int> led = 0;
    std::atomic<int> lost = 0;
    std::unique_ptr<Leadership> leadership;
  };

  std::unique_ptr<Replica> replica(const char* identity) {
    auto made = std::make_unique<Replica>();
    plan::ElectionOptions options;
    options.identity = identity;
    options.lease_duration = 2s;
    options.renew_deadline = 1s;
    options.retry_period = 100ms;
    made->leadership =
        std::make_unique<Leadership>(*client_, logger_, "system", options,
                                     Leadership::Callbacks{[made = made.get()] { ++made->led; },
                                                           [made = made.get()] { ++made->lost; }});
    made->leadership->start();
    return made;
  }
};

TEST_F(LeadershipTest, OneLeadsAndTheOtherFollowsAtOnceWhenItEnds) {
  const auto a = replica("a");
  ASSERT_TRUE(eventually([&] { return a->leadership->leading(); }));
  EXPECT_EQ(a->led, 1);
  const auto b = replica("b");
  std::this_thread::sleep_for(500ms);
  EXPECT_FALSE(b->leadership->leading());
  EXPECT_LT(b->leadership->idle(), 1s);

  const plan::MonoTime before = mono_now();
  a->leadership->stop();
  EXPECT_FALSE(a->leadership->leading());
  ASSERT_TRUE(eventually([&] { return b->leadership->leading(); }));
  EXPECT_LT(mono_now() - before, 1500ms) << "it did not wait for the lease to run out";
  EXPECT_EQ(a->lost, 0) << "it was given back";
  EXPECT_EQ(api_.object(kLease)["spec"]["holderIdentity"], "b");
  EXPECT_EQ(api_.object(kLease)["spec"]["leaseTransitions"], 1);
}

TEST_F(LeadershipTest, ALeaderWithoutServerEndsBeforeItsLease) {
  const auto a = replica("a");
  ASSERT_TRUE(eventually([&] { return a->leadership->leading(); }));
  server_.reset();
  const plan::MonoTime gone = mono_now();
  ASSERT_TRUE(eventually([&] { return !a->leadership->leading(); }));
  EXPECT_LT(mono_now() - gone, 2s) << "others may lead from then on";
  EXPECT_TRUE(eventually([&] { return a->lost == 1; }));
  EXPECT_EQ(a->led, 1);
}

TEST_F(LeadershipTest, ALeaseTakenByForceIsObeyed) {
  const auto a = replica("a");
  ASSERT_TRUE(eventually([&] { return a->leadership->leading(); }));
  nlohmann::json theirs = api_.object(kLease);
  theirs["spec"]["holderIdentity"] = "somebody";
  api_.put(kLease, theirs);
  EXPECT_TRUE(eventually([&] { return a->lost == 1; }));
  EXPECT_FALSE(a->leadership->leading());
  EXPECT_EQ(api_.object(kLease)["spec"]["holderIdentity"], "somebody");
}

}  // namespace
}  // namespace socketmesh::op::control

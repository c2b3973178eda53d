#include "operator/control/health.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::control {
namespace {

using namespace std::chrono_literals;

TEST(Health, FailsWhenSomethingHangs) {
  EXPECT_EQ(what_hangs({}), "");
  EXPECT_EQ(what_hangs({kWorkerHangs, kLeaseHangs, {}}), "");
  EXPECT_EQ(what_hangs({kWorkerHangs + 1us, 0s, {}}), "a reconcile hangs");
  EXPECT_EQ(what_hangs({0s, kLeaseHangs + 1us, {}}), "the election hangs");
  EXPECT_EQ(what_hangs({0s, 0s, {"pods"}}), "the watch of pods hangs");
}

TEST(Health, IsReadyWhenItCanServe) {
  Readiness all{false, true, true, true, true, true};
  EXPECT_EQ(what_is_missing(all), "");
  Readiness follower{false, true, false, false, false, false};
  EXPECT_EQ(what_is_missing(follower), "") << "only the leader needs more than SocketMeshes";
  for (bool Readiness::* part :
       {&Readiness::meshes_listed, &Readiness::all_listed, &Readiness::webhook_serves}) {
    Readiness lacking = all;
    lacking.*part = false;
    EXPECT_NE(what_is_missing(lacking), "");
  }
  all.stopping = true;
  EXPECT_EQ(what_is_missing(all), "stopping");
}

}  // namespace
}  // namespace socketmesh::op::control

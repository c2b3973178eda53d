// The tests' view of a RotationWorld.
#pragma once

#include <gtest/gtest.h>

#include "tests/operator/plan/rotation_world.hpp"

namespace socketmesh::op::plan {

class RotationTest : public testing::Test {
 protected:
  // A mesh of three that has had its certificates for an hour.
  void settle() {
    world_.reconcile();
    for (const char* name : {"chat-a", "chat-b", "chat-c"}) world_.add_sidecar(name);
    world_.run_for(1h);
    world_.steps.clear();
  }
  void expect_stable() const {
    EXPECT_EQ(world_.last.step, RotationStep::kNone);
    EXPECT_EQ(world_.last.phase, RotationPhase::kStable);
    EXPECT_TRUE(world_.last.condition.ready);
    EXPECT_EQ(world_.last.bundle.size(), 1U);
    EXPECT_FALSE(world_.stuck);
  }
  CertTime now() const { return world_.in.now; }

  RotationWorld world_;
  RotationInputs& in_ = world_.in;
};

}  // namespace socketmesh::op::plan

// What goes wrong around a rotation: the operator is away, Secrets are lost or come from a backup,
// clocks lie, pods come and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/operator/plan/rotation_fixture.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using RotationFaultsTest = RotationTest;

TEST_F(RotationFaultsTest, AMeshWithoutItsOperatorIsHealedOnReturn) {
  settle();
  world_.operator_up = false;
  const CertTime end = in_.tls.leaf_not_after;
  world_.run_until(end - 1s);
  EXPECT_EQ(world_.strangers, 0U);
  world_.run_for(1s);
  EXPECT_GT(world_.strangers, 0U);
  world_.run_for(3 * 24h);
  world_.operator_up = true;
  world_.reconcile();
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kIssueLeaf));
  world_.run_for(79s);
  world_.strangers = 0;
  world_.run_for(24h);
  EXPECT_EQ(world_.strangers, 0U);
  expect_stable();
}

TEST_F(RotationFaultsTest, AfterTwoYearsAwayItBeginsAnew) {
  settle();
  world_.operator_up = false;
  world_.run_for(2 * 365 * 24h);
  const RotationDecision away = decide_rotation(in_);
  EXPECT_FALSE(away.condition.ready);
  world_.operator_up = true;
  world_.reconcile();
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kCreateRoot, RotationStep::kIssueLeaf));
  world_.run_for(44s);
  expect_stable();
}

TEST_F(RotationFaultsTest, BackInTheLastSecondsOfARootItGetsOver) {
  for (const seconds left : {0s, 1s, 60s, 110s, 3600s}) {
    SCOPED_TRACE(left.count());
    world_ = RotationWorld();
    settle();
    world_.operator_up = false;
    world_.run_until(in_.ca.current->not_after - left);
    world_.operator_up = true;
    world_.run_for(1h + 5min);
    world_.strangers = 0;
    world_.run_for(24h);
    EXPECT_EQ(world_.strangers, 0U);
    expect_stable();
  }
}

TEST_F(RotationFaultsTest, AwayInTheMiddleOfARotationItGoesOn) {
  for (const seconds before : {10s, 60s}) {  // in distribute, in sign
    world_ = RotationWorld();
    settle();
    in_.rotate_root = "1";
    world_.run_for(before);
    world_.operator_up = false;
    world_.run_for(3 * 24h);
    world_.operator_up = true;
    world_.run_for(79s);
    world_.strangers = 0;
    world_.run_for(1h);
    EXPECT_EQ(world_.strangers, 0U);
    expect_stable();
    EXPECT_EQ(in_.ca.current->fingerprint, "root2");
  }
}

// Both Secrets, in each phase, and the key alone: nobody notices but the operator.
TEST_F(RotationFaultsTest, HealsALostSecretInEveryPhase) {
  const auto lose_tls = [](RotationInputs& in) { in.tls = {}; };
  const auto lose_ca = [](RotationInputs& in) { in.ca = {}; };
  const auto lose_key = [](RotationInputs& in) {
    if (in.ca.current) in.ca.current->has_key = false;
  };
  const auto lose_next_key = [](RotationInputs& in) {
    if (in.ca.next) in.ca.next->has_key = false;
  };
  const auto lose_current = [](RotationInputs& in) { in.ca.current.reset(); };
  const auto lose_previous = [](RotationInputs& in) { in.ca.previous.reset(); };
  const std::vector<std::function<void(RotationInputs&)>> losses = {
      lose_tls, lose_ca, lose_key, lose_next_key, lose_current, lose_previous};
  for (const seconds into : {0s, 10s, 43s, 44s, 60s, 90s, 100s}) {
    for (std::size_t i = 0; i < losses.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "loss " << i << " at " << into.count() << " s");
      world_ = RotationWorld();
      settle();
      if (into > 0s) in_.rotate_root = "1";
      world_.run_for(into);
      losses[i](in_);
      world_.run_for(2h);
      EXPECT_EQ(world_.strangers, 0U);
      expect_stable();
    }
  }
}

TEST_F(RotationFaultsTest, WithoutAKeyAndASidecarItMovesOnWhenTheLastLeafEnds) {
  settle();
  in_.ca.current->has_key = false;
  world_.sidecars[0].reachable = false;
  world_.run_until(in_.tls.leaf_not_after - kSpread - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  EXPECT_THAT(world_.last.condition.message, HasSubstr("The root's key is lost."));
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_for(24h);
  EXPECT_EQ(world_.strangers, 0U);
}

TEST_F(RotationFaultsTest, ARestoredCaSecretTakesOverWithoutAStranger) {
  settle();
  const CaFacts backup = in_.ca;
  in_.rotate_root = "1";
  world_.run_for(1h);
  ASSERT_EQ(in_.ca.current->fingerprint, "root2");
  in_.rotate_root = "";
  in_.ca = backup;
  world_.run_for(1h);
  EXPECT_EQ(in_.ca.current->fingerprint, "root1");
  EXPECT_EQ(world_.strangers, 0U);
  expect_stable();
}

TEST_F(RotationFaultsTest, ACaSecretRestoredFromTheMiddleOfARotationGoesOn) {
  settle();
  in_.rotate_root = "1";
  world_.run_for(10s);
  const CaFacts backup = in_.ca;
  world_.run_for(1h);
  ASSERT_EQ(in_.tls.bundle_sha256, "root2 ");
  in_.ca = backup;
  world_.run_for(1h);
  EXPECT_EQ(in_.ca.current->fingerprint, "root2");
  EXPECT_EQ(world_.strangers, 0U);
  expect_stable();
}

TEST_F(RotationFaultsTest, ReplacesWhatAFastClockMade) {
  settle();
  // Leaf and root of an operator whose clock was a day ahead.
  in_.tls.leaf_not_before += 24h;
  in_.tls.leaf_not_after += 24h;
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kIssueLeaf);
  in_.ca.current->not_before = now() + 1s;
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kBeginRotation);
  world_.reconcile();  // at once: nobody could have trusted the old one
  EXPECT_EQ(in_.tls.leaf_issuer, "root2");
  world_.run_for(1h);
  expect_stable();
}

TEST_F(RotationFaultsTest, RewritesATlsSecretWhoseTimeIsUnknownOrToCome) {
  settle();
  in_.tls.changed.reset();
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kWriteBundle);
  in_.tls.changed = now() + 1s;
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kWriteBundle);
  in_.tls.changed = now();
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kNone);
}

TEST_F(RotationFaultsTest, RemovesARootThatSomebodyAdded) {
  settle();
  in_.tls.bundle.push_back({"stranger", now() - 1h, now() + 24h, false});
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kWriteBundle);
  world_.reconcile();
  EXPECT_THAT(world_.last.bundle, ElementsAre("root1"));
}

// Pods that start and die, tokens, losses: seeded, so that a failure can be repeated.
TEST_F(RotationFaultsTest, ChaosMakesNoStrangers) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    unsigned state = seed * 2654435761U;
    const auto pick = [&](unsigned below) {
      state = state * 1664525U + 1013904223U;
      return (state >> 8U) % below;
    };
    world_ = RotationWorld();
    in_.settings = {.leaf_validity = 1h, .rotate_after = 20min};
    settle();
    for (int turn = 0; turn < 200; ++turn) {
      auto& sidecar = world_.sidecars[pick(3)];
      switch (pick(7)) {
        case 0:
          in_.rotate_root = std::to_string(turn);
          break;
        case 1:
          in_.rotate_leaf = std::to_string(turn);
          break;
        case 2:  // a pod is replaced, and listed a little later
          sidecar = {.name = "chat-" + std::to_string(turn),
                     .holds = in_.tls,
                     .lag = 3s + seconds(pick(77)),
                     .listed_at = now() + seconds(pick(5))};
          break;
        case 3:
          if (pick(4) == 0) in_.tls = {};
          break;
        case 4:
          if (pick(4) == 0) in_.ca = {};
          break;
        case 5:
          world_.sidecars_known = !world_.sidecars_known;
          break;
        default:
          break;
      }
      world_.run_for(seconds(1 + pick(600)));
    }
    world_.sidecars_known = true;
    world_.run_for(2h);
    EXPECT_EQ(world_.strangers, 0U);
    expect_stable();
  }
}

}  // namespace
}  // namespace socketmesh::op::plan

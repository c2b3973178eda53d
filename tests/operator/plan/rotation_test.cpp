#include "operator/plan/rotation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/operator/plan/rotation_fixture.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RotationTest, BeginsWithARootAndALeaf) {
  const RotationDecision first = decide_rotation(in_);
  EXPECT_EQ(first.step, RotationStep::kCreateRoot);
  EXPECT_FALSE(first.condition.ready);
  EXPECT_EQ(first.condition.reason, "Issuing");
  EXPECT_THAT(first.condition.message, HasSubstr("there is no root"));
  EXPECT_EQ(event_text(first), "New root: there is no root.");

  world_.reconcile();
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kCreateRoot, RotationStep::kIssueLeaf));
  expect_stable();
  EXPECT_EQ(world_.last.wake_at, now() + 12h);
  EXPECT_EQ(world_.last.condition.reason, "Issued");
  EXPECT_EQ(world_.last.condition.message,
            "The leaf is valid until 2026-01-02T00:00:00Z, its root until 2027-01-01T00:00:00Z.");
}

TEST_F(RotationTest, ReplacesALeafWhenItIsDueAndNotBefore) {
  world_.reconcile();
  const CertTime issued = now();
  in_.now = issued + 12h - 1s;
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kNone);
  in_.now = issued + 12h;
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kIssueLeaf);
}

TEST_F(RotationTest, FollowsChangedSettings) {
  world_.reconcile();
  in_.now += 1h;
  in_.settings = {.leaf_validity = 1h, .rotate_after = 30min};
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kIssueLeaf);
  world_.reconcile();
  EXPECT_EQ(in_.tls.leaf_not_after, now() + 1h);
  // A leaf that is shorter than the settings is replaced at half of its own life.
  in_.settings = {};
  EXPECT_EQ(decide_rotation(in_).wake_at, now() + 30min);
}

TEST_F(RotationTest, BoundsItsSettings) {
  const RotationSettings small = bounded({.leaf_validity = 1s, .rotate_after = 0s});
  EXPECT_EQ(small.leaf_validity, kLeafValidityMin);
  EXPECT_EQ(small.rotate_after, kRotateAfterMin);
  EXPECT_EQ(bounded({.leaf_validity = 24h, .rotate_after = 24h}).rotate_after, 12h);
  EXPECT_EQ(bounded({.leaf_validity = 24h, .rotate_after = 2min}).rotate_after, 2min);
  EXPECT_EQ(root_validity(24h), 365 * 24h);
  EXPECT_EQ(root_validity(180 * 24h), 720 * 24h);
}

TEST_F(RotationTest, TenMinuteLeavesWork) {
  in_.settings = {.leaf_validity = 10min, .rotate_after = 5min};
  settle();
  world_.sidecars[1].lag = 3s;
  world_.sidecars[2].lag = 79s;
  in_.rotate_root = "now";
  world_.run_for(24h);
  EXPECT_EQ(world_.strangers, 0U);
  expect_stable();
  EXPECT_EQ(in_.ca.current->fingerprint, "root2");
  EXPECT_NEAR(static_cast<double>(world_.count(RotationStep::kIssueLeaf)), 24 * 12, 3);
}

TEST_F(RotationTest, ReplacesRootsTwiceAYearWithoutAStranger) {
  settle();
  world_.run_for(2 * 365 * 24h);
  EXPECT_EQ(world_.strangers, 0U);
  expect_stable();
  EXPECT_EQ(world_.count(RotationStep::kBeginRotation), 4U);
  EXPECT_EQ(world_.count(RotationStep::kPromoteNext), 4U);
  EXPECT_EQ(world_.count(RotationStep::kCleanUp), 4U);
  EXPECT_EQ(world_.count(RotationStep::kCreateRoot), 0U);
}

TEST_F(RotationTest, AdvancesOnlyWithEverySidecar) {
  settle();
  world_.sidecars[2].lag = 10min;
  in_.rotate_root = "1";
  world_.reconcile();
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kBeginRotation, RotationStep::kWriteBundle));
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  EXPECT_TRUE(world_.last.awaits_reports);
  EXPECT_THAT(in_.tls.leaf_issuer, "root1");

  world_.run_for(10min - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  EXPECT_EQ(world_.last.condition.reason, "RootDistributing");
  EXPECT_THAT(world_.last.condition.message, HasSubstr("2 of 3 sidecars; waiting for chat-c."));
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  EXPECT_EQ(in_.tls.leaf_issuer, "root2");

  world_.run_for(10min - 1s);
  EXPECT_EQ(world_.last.condition.reason, "RootSigning");
  EXPECT_THAT(world_.last.condition.message, HasSubstr("2 of 3 sidecars; waiting for chat-c."));
  world_.run_for(1s);
  EXPECT_THAT(in_.tls.bundle_sha256, "root2 ");
  EXPECT_EQ(world_.last.phase, RotationPhase::kCleanUp);
  EXPECT_EQ(world_.last.condition.reason, "RootCleaningUp");
  EXPECT_THAT(world_.last.condition.message, HasSubstr("0 of 3 sidecars"));
  world_.run_for(10min);
  expect_stable();
  EXPECT_FALSE(world_.last.awaits_reports);
  EXPECT_EQ(world_.strangers, 0U);
}

TEST_F(RotationTest, TheBundleIsTheSameInDistributeAndSign) {
  settle();
  in_.rotate_root = "1";
  world_.reconcile();
  EXPECT_THAT(world_.last.bundle, ElementsAre("root1", "root2"));
  world_.run_for(1min);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  EXPECT_THAT(world_.last.bundle, ElementsAre("root1", "root2"));
  EXPECT_EQ(world_.count(RotationStep::kWriteBundle), 1U);
}

TEST_F(RotationTest, NoPhaseIsShorterThanTheDwell) {
  settle();
  for (auto& sidecar : world_.sidecars) sidecar.lag = 1s;
  in_.rotate_root = "1";
  world_.run_for(29s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_for(29s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kCleanUp);
}

TEST_F(RotationTest, WaitsWhileSidecarsAreUnknownButNotForNone) {
  world_.reconcile();
  world_.sidecars_known = false;
  in_.rotate_root = "1";
  world_.run_for(10h);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  EXPECT_THAT(world_.last.condition.message, HasSubstr("not known yet"));
  world_.sidecars_known = true;
  world_.run_for(29s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_for(1s);
  expect_stable();
}

TEST_F(RotationTest, ADeadSidecarHoldsAPhaseUpUntilItsLeafHasExpired) {
  settle();
  world_.sidecars[0].lag = 3s;
  world_.sidecars[1].reachable = false;
  world_.sidecars[2].lag = 79s;
  const CertTime distributed_until = in_.tls.leaf_not_after;
  in_.rotate_root = "1";
  world_.run_until(distributed_until - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  EXPECT_THAT(world_.last.condition.message,
              AllOf(HasSubstr("2 of 3 sidecars; waiting for chat-b (cannot be reached)."),
                    HasSubstr(" From 2026-01-02T00:00:00Z on it signs in any case.")));
  const CertTime signed_until = in_.tls.leaf_not_after;
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_until(signed_until - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  EXPECT_THAT(world_.last.condition.message,
              HasSubstr("stays trusted until 2026-01-02T12:00:00Z at the latest."));
  world_.run_for(100s);
  expect_stable();
  EXPECT_EQ(world_.strangers, 0U);
}

TEST_F(RotationTest, ADeadlineThatPassedWhileTheOperatorWasAwayLeavesTimeToSpread) {
  settle();
  world_.sidecars[0].lag = 3s;
  world_.sidecars[1].lag = 79s;
  world_.sidecars[2].reachable = false;
  in_.rotate_root = "1";
  // It wrote the CA Secret, and died.
  ASSERT_EQ(decide_rotation(in_).step, RotationStep::kBeginRotation);
  world_.reconcile();
  in_.tls = world_.sidecars[0].holds;
  for (auto& sidecar : world_.sidecars) sidecar.coming.clear();
  in_.tls.leaf_not_after += 24h;  // a longer leaf than the settings ask for
  for (auto& sidecar : world_.sidecars) sidecar.holds = in_.tls;
  world_.operator_up = false;
  world_.run_until(*in_.ca.deadline);
  world_.operator_up = true;
  world_.run_for(kSpread - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_for(2h);
  EXPECT_EQ(world_.strangers, 0U);
}

TEST_F(RotationTest, WithoutARecordedDeadlineTheRootsSetIt) {
  settle();
  world_.sidecars[1].reachable = false;
  in_.rotate_root = "1";
  world_.reconcile();
  const CertTime root_end = in_.ca.current->not_after;
  in_.ca.deadline.reset();
  world_.run_until(root_end - 24h - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  world_.run_for(1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  in_.ca.deadline.reset();
  world_.run_until(root_end - 1s);
  EXPECT_EQ(world_.last.phase, RotationPhase::kSign);
  world_.run_for(1s);
  // By now the new root is over half of its life, and the next rotation begins.
  EXPECT_FALSE(in_.ca.previous);
  EXPECT_EQ(world_.last.phase, RotationPhase::kDistribute);
  EXPECT_EQ(world_.strangers, 0U);
}

TEST_F(RotationTest, NamesFewOfManySidecars) {
  world_.reconcile();
  in_.rotate_root = "1";
  for (int i = 0; i < 5; ++i) world_.add_sidecar("chat-" + std::to_string(i)).reachable = false;
  world_.reconcile();
  EXPECT_THAT(
      world_.last.condition.message,
      HasSubstr("0 of 5 sidecars; waiting for chat-0 (cannot be reached), chat-1 (cannot be "
                "reached), chat-2 (cannot be reached) and 2 more."));
}

TEST_F(RotationTest, ObeysATokenOnce) {
  settle();
  in_.rotate_leaf = "a";
  world_.run_for(1h);
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kIssueLeaf));
  in_.rotate_leaf = "";  // the annotation was removed, and then set again
  world_.run_for(1h);
  in_.rotate_leaf = "a";
  world_.run_for(1h);
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kIssueLeaf));
  in_.rotate_leaf = "b";
  world_.run_for(1h);
  EXPECT_EQ(world_.count(RotationStep::kIssueLeaf), 2U);
}

TEST_F(RotationTest, ATokenThatComesDuringARotationIsObeyedAfterIt) {
  settle();
  in_.rotate_root = "a";
  world_.run_for(10s);
  in_.rotate_root = "b";
  world_.run_for(10s);
  EXPECT_EQ(world_.count(RotationStep::kBeginRotation), 1U);
  world_.run_for(1h);
  EXPECT_EQ(world_.count(RotationStep::kBeginRotation), 2U);
  EXPECT_EQ(in_.ca.current->fingerprint, "root3");
  EXPECT_EQ(world_.strangers, 0U);
  expect_stable();
}

TEST_F(RotationTest, TellsLongTokensApartByTheirBeginning) {
  settle();
  in_.rotate_leaf = std::string(kTokenBytesMax - 1, 'x') + "\u00e9" + "1";  // cut in the middle
  world_.run_for(1h);
  in_.rotate_leaf.back() = '2';
  world_.run_for(1h);
  EXPECT_THAT(world_.steps, ElementsAre(RotationStep::kIssueLeaf));
  EXPECT_EQ(in_.tls.rotate_leaf, std::string(kTokenBytesMax - 1, 'x'));
  in_.rotate_leaf = std::string(kTokenBytesMax, 'x');
  world_.run_for(1h);
  EXPECT_EQ(world_.count(RotationStep::kIssueLeaf), 2U);
}

}  // namespace
}  // namespace socketmesh::op::plan

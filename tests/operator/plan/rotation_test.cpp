#include "operator/plan/rotation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/operator/plan/rotation_world.hpp"

namespace socketmesh::op::plan {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

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

TEST_F(RotationTest, BeginsWithARootAndALeaf) {
  const RotationDecision first = decide_rotation(in_);
  EXPECT_EQ(first.step, RotationStep::kCreateRoot);
  EXPECT_FALSE(first.condition.ready);
  EXPECT_EQ(first.condition.reason, "Issuing");
  EXPECT_THAT(first.condition.message, HasSubstr("there is no root"));

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

TEST_F(RotationTest, AMeshWithoutItsOperatorIsHealedOnReturn) {
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

TEST_F(RotationTest, AfterTwoYearsAwayItBeginsAnew) {
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

TEST_F(RotationTest, BackInTheLastSecondsOfARootItGetsOver) {
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

TEST_F(RotationTest, AwayInTheMiddleOfARotationItGoesOn) {
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
TEST_F(RotationTest, HealsALostSecretInEveryPhase) {
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

TEST_F(RotationTest, WithoutAKeyAndASidecarItMovesOnWhenTheLastLeafEnds) {
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

TEST_F(RotationTest, ARestoredCaSecretTakesOverWithoutAStranger) {
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

TEST_F(RotationTest, ACaSecretRestoredFromTheMiddleOfARotationGoesOn) {
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

TEST_F(RotationTest, ReplacesWhatAFastClockMade) {
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

TEST_F(RotationTest, RewritesATlsSecretWhoseTimeIsUnknownOrToCome) {
  settle();
  in_.tls.changed.reset();
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kWriteBundle);
  in_.tls.changed = now() + 1s;
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kWriteBundle);
  in_.tls.changed = now();
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kNone);
}

TEST_F(RotationTest, RemovesARootThatSomebodyAdded) {
  settle();
  in_.tls.bundle.push_back({"stranger", now() - 1h, now() + 24h, false});
  EXPECT_EQ(decide_rotation(in_).step, RotationStep::kWriteBundle);
  world_.reconcile();
  EXPECT_THAT(world_.last.bundle, ElementsAre("root1"));
}

// Pods that start and die, tokens, losses: seeded, so that a failure can be repeated.
TEST_F(RotationTest, ChaosMakesNoStrangers) {
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

#include "operator/plan/rotation.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/utf8.hpp"
#include "operator/plan/rotation_view.hpp"

namespace socketmesh::op::plan {
namespace {

struct Step {
  RotationStep step = RotationStep::kNone;
  const char* why = "";
};

bool not_yet_valid(const RotationView& view, const std::optional<RootFacts>& root) {
  return root && view.inputs().now < root->not_before;
}

bool next_is_usable(const RotationView& view) {
  const auto& next = view.inputs().ca.next;
  return view.can_sign(next) && !not_yet_valid(view, next);
}

// The current root signs nothing: its key or itself is lost, or it has expired.
Step without_current(const RotationView& view) {
  const RotationInputs& in = view.inputs();
  // A leaf of its making is still in use: whoever has it must stay trusted.
  const bool needed = view.leaf_in_use() && is_root(in.ca.current, in.tls.leaf_issuer);
  if (!next_is_usable(view)) {
    return needed ? Step{RotationStep::kBeginRotation, "the root's key is lost"}
                  : Step{RotationStep::kCreateRoot,
                         in.ca.current ? "the root cannot sign any more" : "there is no root"};
  }
  if (!needed) return {RotationStep::kPromoteNext, "the old root cannot sign any more"};
  if (view.overdue()) {
    return {RotationStep::kPromoteNext, "the last leaf of the old root ends, and its key is lost"};
  }
  return view.settled() && view.progress().complete()
             ? Step{RotationStep::kPromoteNext, "every sidecar trusts the new root"}
             : Step{};
}

Step distribute(const RotationView& view) {
  const RotationInputs& in = view.inputs();
  if (!next_is_usable(view)) return {RotationStep::kBeginRotation, "the new root cannot sign"};
  if (view.leaf_in_use() && is_root(in.ca.next, in.tls.leaf_issuer)) {
    return {RotationStep::kPromoteNext, "the leaf in use is the new root's"};
  }
  if (not_yet_valid(view, in.ca.current)) {
    return {RotationStep::kPromoteNext, "the old root is not valid yet"};
  }
  if (view.overdue()) return {RotationStep::kPromoteNext, "the deadline has passed"};
  return view.settled() && view.progress().complete()
             ? Step{RotationStep::kPromoteNext, "every sidecar trusts the new root"}
             : Step{};
}

Step clean_up(const RotationView& view) {
  const RotationInputs& in = view.inputs();
  if (in.now >= in.ca.previous->not_after) {
    return {RotationStep::kCleanUp, "the old root has expired"};
  }
  const bool signed_by_current = view.leaf_in_use() && is_root(in.ca.current, in.tls.leaf_issuer);
  if (!signed_by_current) return {};
  if (view.overdue()) return {RotationStep::kCleanUp, "the deadline has passed"};
  return view.settled() && view.progress().complete()
             ? Step{RotationStep::kCleanUp, "every sidecar shows a leaf of the new root"}
             : Step{};
}

Step ca_step(const RotationView& view) {
  const RotationInputs& in = view.inputs();
  if (view.lost_root_of_leaf()) {
    return {RotationStep::kBridgeRoot, "the CA Secret does not hold the root of the leaf in use"};
  }
  if (!view.can_sign(in.ca.current)) return without_current(view);
  if (in.ca.next) return distribute(view);
  if (in.ca.previous) return clean_up(view);
  if (view.root_forced()) {
    return {RotationStep::kBeginRotation, "asked for by annotation socketmesh.io/rotate-root"};
  }
  if (not_yet_valid(view, in.ca.current)) {
    return {RotationStep::kBeginRotation, "the root is not valid yet"};
  }
  if (in.now >= view.root_due()) {
    return {RotationStep::kBeginRotation, "the root has reached half of its life"};
  }
  return {};
}

Step tls_step(const RotationView& view) {
  const RotationInputs& in = view.inputs();
  const TlsFacts& tls = in.tls;
  if (view.can_sign(in.ca.current)) {
    const auto issue = [](const char* why) { return Step{RotationStep::kIssueLeaf, why}; };
    if (!tls.leaf_valid) return issue("there is no usable leaf");
    if (!is_root(in.ca.current, tls.leaf_issuer)) return issue("the leaf is another root's");
    if (in.now < tls.leaf_not_before) return issue("the leaf is not valid yet");
    if (in.now >= tls.leaf_not_after) return issue("the leaf has expired");
    if (view.leaf_forced()) return issue("asked for by annotation socketmesh.io/rotate-leaf");
    if (in.now >= view.leaf_due()) return issue("the leaf is due");
  }
  if (!view.bundle_written()) return {RotationStep::kWriteBundle, "the trusted roots changed"};
  return {};
}

// The next time at which the answer can differ with the same Secrets and reports.
CertTime next_time(const RotationView& view) {
  const RotationInputs& in = view.inputs();
  CertTime next = CertTime::max();
  const auto at = [&](CertTime time) {
    if (time > in.now) next = std::min(next, time);
  };
  at(in.tls.leaf_not_after);
  if (view.can_sign(in.ca.current)) at(view.leaf_due());
  if (in.ca.next || in.ca.previous) {
    at(*in.tls.changed + view.settings().dwell);
    at(std::max(view.deadline(), *in.tls.changed + kSpread));
  } else {
    at(view.root_due());
  }
  if (in.ca.previous) at(in.ca.previous->not_after);
  return next;
}

// Whoever never takes up what the phase writes has the leaf that is in use now, or an older one.
std::optional<CertTime> deadline_after(RotationStep step, const RotationView& view) {
  if (step != RotationStep::kBeginRotation && step != RotationStep::kBridgeRoot &&
      step != RotationStep::kPromoteNext) {
    return std::nullopt;
  }
  return view.leaf_in_use() ? view.inputs().tls.leaf_not_after : view.inputs().now;
}

}  // namespace

seconds root_validity(seconds leaf_validity) {
  return std::max(kRootValidity, 4 * leaf_validity);
}

RotationSettings bounded(RotationSettings settings) {
  settings.leaf_validity = std::max(settings.leaf_validity, kLeafValidityMin);
  settings.rotate_after =
      std::clamp(settings.rotate_after, kRotateAfterMin, settings.leaf_validity / 2);
  return settings;
}

std::string token_record(const std::string& token) {
  return std::string(utf8_prefix(token, kTokenBytesMax));
}

const char* name_of(RotationPhase phase) {
  switch (phase) {
    case RotationPhase::kStable:
      return "Stable";
    case RotationPhase::kDistribute:
      return "Distribute";
    case RotationPhase::kSign:
      return "Sign";
    case RotationPhase::kCleanUp:
      return "CleanUp";
  }
  return "";
}

RotationDecision decide_rotation(const RotationInputs& inputs) {
  const RotationView view(inputs);
  Step step = ca_step(view);
  if (step.step == RotationStep::kNone) step = tls_step(view);

  RotationDecision decision;
  decision.step = step.step;
  decision.why = step.why;
  decision.bundle = view.bundle();
  decision.deadline = deadline_after(step.step, view);
  decision.phase = view.phase();
  decision.awaits_reports = decision.phase != RotationPhase::kStable;
  decision.wake_at = step.step == RotationStep::kNone ? next_time(view) : inputs.now;
  decision.condition = make_condition(view, decision);
  return decision;
}

}  // namespace socketmesh::op::plan

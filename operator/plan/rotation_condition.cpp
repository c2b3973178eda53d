// What people read about a rotation: Events, and the condition CertificatesReady. The condition's
// text changes only when a step was made, a sidecar reported something new, or the certificates
// did: every change is a status write.
#include <string>

#include "operator/plan/rotation_view.hpp"
#include "operator/plan/time.hpp"

namespace socketmesh::op::plan {
namespace {

std::string to_text(CertTime time) {
  return format_time(time.time_since_epoch());
}

std::string progress_text(const RotationProgress& progress) {
  if (!progress.known) return "the sidecars are not known yet";
  std::string text =
      std::to_string(progress.done) + " of " + std::to_string(progress.sidecars) + " sidecars";
  const std::size_t missing = progress.sidecars - progress.done;
  if (missing == 0) return text;
  text += "; waiting for ";
  for (std::size_t i = 0; i < progress.waits_for.size(); ++i) {
    text += (i == 0 ? "" : ", ") + progress.waits_for[i];
  }
  if (missing > progress.waits_for.size()) {
    text += " and " + std::to_string(missing - progress.waits_for.size()) + " more";
  }
  return text;
}

std::string validity_text(const RotationInputs& inputs) {
  std::string text = "The leaf is valid until " + to_text(inputs.tls.leaf_not_after);
  if (inputs.ca.current) text += ", its root until " + to_text(inputs.ca.current->not_after);
  return text + ".";
}

std::string deadline_text(const RotationView& view) {
  if (!view.inputs().ca.current) return "";
  return " From " + to_text(view.deadline()) + " on it signs in any case.";
}

const char* change_of(RotationStep step) {
  switch (step) {
    case RotationStep::kCreateRoot:
      return "New root";
    case RotationStep::kBridgeRoot:
      return "New root, beside the one of the leaf in use";
    case RotationStep::kBeginRotation:
      return "Next root made, to be trusted by all before it signs";
    case RotationStep::kPromoteNext:
      return "The next root signs from now on";
    case RotationStep::kCleanUp:
      return "The previous root is dropped";
    case RotationStep::kIssueLeaf:
      return "New leaf";
    case RotationStep::kWriteBundle:
      return "New bundle of trusted roots";
    case RotationStep::kNone:
      break;
  }
  return "Nothing";
}

}  // namespace

std::string event_text(const RotationDecision& decision) {
  return std::string(change_of(decision.step)) + ": " + decision.why + ".";
}

CertificatesCondition make_condition(const RotationView& view, const RotationDecision& decision) {
  const RotationInputs& inputs = view.inputs();
  if (!view.leaf_in_use()) {
    return {false, "Issuing",
            decision.why.empty() ? "There is no usable certificate yet."
                                 : "There is no usable certificate yet: " + decision.why + "."};
  }
  switch (decision.phase) {
    case RotationPhase::kDistribute: {
      const bool lost = inputs.ca.current && !inputs.ca.current->has_key;
      return {true, "RootDistributing",
              std::string(lost ? "The root's key is lost. " : "") +
                  "A new root is being made known: " + progress_text(view.progress()) + "." +
                  deadline_text(view)};
    }
    case RotationPhase::kSign:
      return {true, "RootSigning",
              "Leaves of the new root are being taken up: " + progress_text(view.progress()) +
                  ". The old root stays trusted until " + to_text(view.deadline()) +
                  " at the latest."};
    case RotationPhase::kCleanUp:
      return {true, "RootCleaningUp",
              "The old root is being forgotten: " + progress_text(view.progress()) + "."};
    case RotationPhase::kStable:
      break;
  }
  return {true, "Issued", validity_text(inputs)};
}

}  // namespace socketmesh::op::plan

// What the steps and the condition of a rotation ask of its inputs. Internal to operator/plan.
//
// Borrows the inputs. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/plan/rotation.hpp"

namespace socketmesh::op::plan {

// How far the sidecars are with what a phase wants of them.
struct RotationProgress {
  bool known = false;  // who the sidecars are
  std::size_t sidecars = 0;
  std::size_t done = 0;
  std::vector<std::string> waits_for;  // names, at most kNamedSidecarsMax

  [[nodiscard]] bool complete() const { return known && done == sidecars; }
};

class RotationView {
 public:
  explicit RotationView(const RotationInputs& inputs);

  // Sidecars trust each other by the leaf in the Secret: it is valid now, and its root is trusted.
  [[nodiscard]] bool leaf_in_use() const { return leaf_in_use_; }
  [[nodiscard]] bool can_sign(const std::optional<RootFacts>& root) const;
  // The leaf in use was signed by a root that the CA Secret has lost, or by its previous one while
  // the current one is damaged.
  [[nodiscard]] bool lost_root_of_leaf() const;
  [[nodiscard]] RotationPhase phase() const;
  // Fingerprints of the CA Secret's roots in the order of the bundle.
  [[nodiscard]] std::vector<std::string> bundle() const;
  [[nodiscard]] bool bundle_written() const;
  // The TLS Secret is as the CA Secret wants it, and has been for the dwell.
  [[nodiscard]] bool settled() const;
  // What the present phase wants of every sidecar.
  [[nodiscard]] RotationProgress progress() const;

  // A token that was not obeyed yet.
  [[nodiscard]] bool leaf_forced() const;
  [[nodiscard]] bool root_forced() const;

  // When what is there must be replaced; needs a leaf or a current root, respectively.
  [[nodiscard]] CertTime leaf_due() const;
  [[nodiscard]] CertTime root_due() const;
  // When the present phase goes on, whoever has not reported; needs a current root, and a phase to
  // be in.
  [[nodiscard]] CertTime deadline() const;
  // It is time, and what was written has had its time to spread.
  [[nodiscard]] bool overdue() const;

  [[nodiscard]] const RotationInputs& inputs() const { return inputs_; }
  [[nodiscard]] const RotationSettings& settings() const { return settings_; }

 private:
  const RotationInputs& inputs_;
  RotationSettings settings_;
  bool leaf_in_use_ = false;
};

bool is_root(const std::optional<RootFacts>& root, std::string_view fingerprint);

CertificatesCondition make_condition(const RotationView& view, const RotationDecision& decision);

}  // namespace socketmesh::op::plan

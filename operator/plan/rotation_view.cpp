#include "operator/plan/rotation_view.hpp"

#include <algorithm>
#include <utility>

namespace socketmesh::op::plan {
namespace {

bool lives(const RootFacts& root, CertTime now) {
  return now < root.not_after;
}

const RootFacts* find_root(const std::vector<RootFacts>& roots, std::string_view fingerprint) {
  const auto found = std::ranges::find(roots, fingerprint, &RootFacts::fingerprint);
  return found == roots.end() ? nullptr : &*found;
}

bool is_new_token(const std::string& token, const std::string& obeyed) {
  return !token.empty() && token_record(token) != obeyed;
}

}  // namespace

bool is_root(const std::optional<RootFacts>& root, std::string_view fingerprint) {
  return root && root->fingerprint == fingerprint;
}

RotationView::RotationView(const RotationInputs& inputs)
    : inputs_(inputs), settings_(bounded(inputs.settings)) {
  const TlsFacts& tls = inputs.tls;
  if (!tls.leaf_valid || inputs.now < tls.leaf_not_before || inputs.now >= tls.leaf_not_after) {
    return;
  }
  const RootFacts* issuer = find_root(tls.bundle, tls.leaf_issuer);
  leaf_in_use_ = issuer != nullptr && lives(*issuer, inputs.now);
}

bool RotationView::can_sign(const std::optional<RootFacts>& root) const {
  return root && root->has_key && lives(*root, inputs_.now);
}

bool RotationView::lost_root_of_leaf() const {
  const CaFacts& ca = inputs_.ca;
  const std::string& issuer = inputs_.tls.leaf_issuer;
  if (!leaf_in_use_ || is_root(ca.current, issuer) || is_root(ca.next, issuer)) return false;
  return !(is_root(ca.previous, issuer) && can_sign(ca.current));
}

RotationPhase RotationView::phase() const {
  if (inputs_.ca.next) return RotationPhase::kDistribute;
  if (inputs_.ca.previous) return RotationPhase::kSign;
  const auto other_bundle = [&](const SidecarReport& sidecar) {
    return sidecar.bundle_sha256 && *sidecar.bundle_sha256 != inputs_.tls.bundle_sha256;
  };
  const bool behind = inputs_.sidecars && std::ranges::any_of(*inputs_.sidecars, other_bundle);
  return behind ? RotationPhase::kCleanUp : RotationPhase::kStable;
}

std::vector<std::string> RotationView::bundle() const {
  std::vector<std::pair<CertTime, std::string>> roots;
  for (const auto* root : {&inputs_.ca.current, &inputs_.ca.next, &inputs_.ca.previous}) {
    if (*root) roots.emplace_back((*root)->not_before, (*root)->fingerprint);
  }
  // By age, so that a root that takes another's place leaves the file as it is.
  std::ranges::sort(roots);
  std::vector<std::string> fingerprints;
  fingerprints.reserve(roots.size());
  for (auto& [not_before, fingerprint] : roots) fingerprints.push_back(std::move(fingerprint));
  const auto repeated = std::ranges::unique(fingerprints);
  fingerprints.erase(repeated.begin(), repeated.end());
  return fingerprints;
}

bool RotationView::bundle_written() const {
  const TlsFacts& tls = inputs_.tls;
  return std::ranges::equal(tls.bundle, bundle(), {}, &RootFacts::fingerprint) && tls.changed &&
         *tls.changed <= inputs_.now;
}

bool RotationView::settled() const {
  return bundle_written() && inputs_.now >= *inputs_.tls.changed + settings_.dwell;
}

RotationProgress RotationView::progress() const {
  RotationProgress progress;
  if (!inputs_.sidecars) return progress;
  progress.known = true;
  progress.sidecars = inputs_.sidecars->size();
  const bool leaf_too = phase() == RotationPhase::kSign;
  for (const SidecarReport& sidecar : *inputs_.sidecars) {
    const bool has_bundle = sidecar.bundle_sha256 == inputs_.tls.bundle_sha256;
    const bool has_leaf = sidecar.leaf_not_after == inputs_.tls.leaf_not_after;
    if (has_bundle && (has_leaf || !leaf_too)) {
      ++progress.done;
    } else if (progress.waits_for.size() < kNamedSidecarsMax) {
      progress.waits_for.push_back(sidecar.name +
                                   (sidecar.bundle_sha256 ? "" : " (cannot be reached)"));
    }
  }
  return progress;
}

bool RotationView::leaf_forced() const {
  return is_new_token(inputs_.rotate_leaf, inputs_.tls.rotate_leaf);
}

bool RotationView::root_forced() const {
  return is_new_token(inputs_.rotate_root, inputs_.ca.rotate_root);
}

CertTime RotationView::leaf_due() const {
  const CertTime issued = inputs_.tls.leaf_not_before + kBackdate;
  // A leaf that was made shorter than the settings say is replaced in time all the same, but one
  // that its root's end has cut to seconds is not replaced by another such.
  const seconds half = (inputs_.tls.leaf_not_after - issued) / 2;
  return issued + std::min(settings_.rotate_after, std::max(half, kRotateAfterMin));
}

CertTime RotationView::root_due() const {
  const RootFacts& root = *inputs_.ca.current;
  return root.not_before + (root.not_after - root.not_before) / 2;
}

CertTime RotationView::deadline() const {
  const CaFacts& ca = inputs_.ca;
  if (!ca.next) return ca.deadline.value_or(ca.previous->not_after);
  // No leaf should have to be shortened to fit the end of its root.
  const RootFacts& root = *ca.current;
  const seconds life = root.not_after - root.not_before;
  const CertTime end = root.not_after - std::min(settings_.leaf_validity, life / 4);
  const CertTime deadline = ca.deadline.value_or(end);
  // Without a key nothing follows the leaf in use.
  return root.has_key ? deadline : std::min(deadline, inputs_.tls.leaf_not_after - kSpread);
}

bool RotationView::overdue() const {
  return bundle_written() && inputs_.now >= std::max(deadline(), *inputs_.tls.changed + kSpread);
}

}  // namespace socketmesh::op::plan

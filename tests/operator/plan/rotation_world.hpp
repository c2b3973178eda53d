// A mesh in virtual time: its two Secrets as facts, an operator that decides and writes at once,
// and sidecars that take up what was written after a while, as the kubelet lets them.
//
// A sidecar takes up bundle and leaf together. check() holds the promise of the rotation: whoever
// is reachable accepts whoever else is.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/plan/rotation.hpp"

namespace socketmesh::op::plan {

using namespace std::chrono_literals;

class RotationWorld {
 public:
  struct Sidecar {
    std::string name;
    TlsFacts holds;
    seconds lag = 44s;  // of the kubelet
    bool reachable = true;
    CertTime listed_at{};
    std::deque<std::pair<CertTime, TlsFacts>> coming{};
  };

  RotationInputs in;
  std::vector<Sidecar> sidecars;
  std::vector<RotationStep> steps;  // made so far
  RotationDecision last;
  bool operator_up = true;
  bool sidecars_known = true;

  RotationWorld() { in.now = CertTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)); }

  Sidecar& add_sidecar(const std::string& name, seconds listed_after = 0s) {
    sidecars.push_back({.name = name, .holds = in.tls, .listed_at = in.now + listed_after});
    return sidecars.back();
  }

  // Decides and carries out until nothing is left to do.
  void reconcile() {
    for (int round = 0; round < 8; ++round) {
      report();
      last = decide_rotation(in);
      if (last.step == RotationStep::kNone) return;
      steps.push_back(last.step);
      carry_out();
    }
    stuck = true;
  }

  // Lets time pass until `end`: what comes to sidecars arrives, and the operator wakes when it
  // asked to, when a sidecar took something up, and never otherwise.
  void run_until(CertTime end) {
    if (operator_up) reconcile();
    while (!stuck) {
      CertTime next = end;
      if (operator_up && last.wake_at > in.now) next = std::min(next, last.wake_at);
      for (const Sidecar& sidecar : sidecars) {
        if (!sidecar.coming.empty()) next = std::min(next, sidecar.coming.front().first);
        if (sidecar.listed_at > in.now) next = std::min(next, sidecar.listed_at);
      }
      in.now = std::max(next, in.now);
      deliver();
      if (operator_up) reconcile();
      check();
      if (in.now >= end) return;
    }
  }
  void run_for(seconds time) { run_until(in.now + time); }

  [[nodiscard]] std::size_t count(RotationStep step) const {
    return static_cast<std::size_t>(std::ranges::count(steps, step));
  }

  // Events in which a reachable sidecar refused another one.
  std::size_t strangers = 0;
  bool stuck = false;  // the operator's loop did not end

 private:
  static bool trusts(const TlsFacts& who, const TlsFacts& whom, CertTime now) {
    return whom.leaf_valid && now >= whom.leaf_not_before && now < whom.leaf_not_after &&
           std::ranges::any_of(
               who.bundle,
               [&](const RootFacts& root) {
                 return root.fingerprint == whom.leaf_issuer && now < root.not_after;
               });
  }

  void check() {
    for (const Sidecar& a : sidecars) {
      for (const Sidecar& b : sidecars) {
        if (a.reachable && b.reachable && !trusts(a.holds, b.holds, in.now)) ++strangers;
      }
    }
  }

  void report() {
    if (!sidecars_known) {
      in.sidecars.reset();
      return;
    }
    in.sidecars.emplace();
    for (const Sidecar& sidecar : sidecars) {
      if (sidecar.listed_at > in.now) continue;
      SidecarReport report{sidecar.name, {}, {}};
      if (sidecar.reachable) {
        report.bundle_sha256 = sidecar.holds.bundle_sha256;
        report.leaf_not_after = sidecar.holds.leaf_not_after;
      }
      in.sidecars->push_back(report);
    }
  }

  void deliver() {
    for (Sidecar& sidecar : sidecars) {
      while (!sidecar.coming.empty() && sidecar.coming.front().first <= in.now) {
        if (sidecar.reachable) sidecar.holds = sidecar.coming.front().second;
        sidecar.coming.pop_front();
      }
    }
  }

  RootFacts fresh_root() {
    return {"root" + std::to_string(++roots_made_), in.now - kBackdate,
            in.now + root_validity(bounded(in.settings).leaf_validity), true};
  }

  // As operator/pki does it with real Secrets.
  void carry_out() {
    CaFacts& ca = in.ca;
    if (last.step < RotationStep::kIssueLeaf) ca.deadline = last.deadline;
    switch (last.step) {
      case RotationStep::kNone:
        return;
      case RotationStep::kCreateRoot:
        ca = {fresh_root(), {}, {}, token_record(in.rotate_root), {}};
        return;
      case RotationStep::kBeginRotation:
        ca.next = fresh_root();
        ca.rotate_root = token_record(in.rotate_root);
        return;
      case RotationStep::kBridgeRoot:
        return bridge();
      case RotationStep::kPromoteNext:
        ca.previous = std::exchange(ca.current, std::exchange(ca.next, {}));
        if (ca.previous) ca.previous->has_key = false;
        return;
      case RotationStep::kCleanUp:
        ca.previous.reset();
        return;
      case RotationStep::kIssueLeaf:
      case RotationStep::kWriteBundle:
        return write_tls();
    }
  }

  void bridge() {
    CaFacts& ca = in.ca;
    const auto usable = [&](const std::optional<RootFacts>& root) {
      return root && root->has_key && in.now >= root->not_before && in.now < root->not_after;
    };
    CaFacts after;
    after.deadline = ca.deadline;
    after.rotate_root = ca.rotate_root;
    if (usable(ca.current)) {
      after.next = ca.current;
    } else if (usable(ca.next)) {
      after.next = ca.next;
    } else {
      after.next = fresh_root();
      after.rotate_root = token_record(in.rotate_root);
    }
    for (const RootFacts& root : in.tls.bundle) {
      if (root.fingerprint == in.tls.leaf_issuer) {
        after.current = root;
      } else if (root.fingerprint != after.next->fingerprint && in.now < root.not_after) {
        after.previous = root;
      }
    }
    ca = after;
  }

  void write_tls() {
    TlsFacts& tls = in.tls;
    if (last.step == RotationStep::kIssueLeaf) {
      tls.leaf_valid = true;
      tls.leaf_issuer = in.ca.current->fingerprint;
      tls.leaf_not_before = in.now - kBackdate;
      tls.leaf_not_after =
          std::min(in.now + bounded(in.settings).leaf_validity, in.ca.current->not_after);
      tls.rotate_leaf = token_record(in.rotate_leaf);
    }
    tls.bundle.clear();
    tls.bundle_sha256.clear();
    for (const std::string& fingerprint : last.bundle) {
      for (const auto* root : {&in.ca.current, &in.ca.next, &in.ca.previous}) {
        if (!*root || (*root)->fingerprint != fingerprint) continue;
        tls.bundle.push_back(**root);
        tls.bundle.back().has_key = false;
        break;
      }
      tls.bundle_sha256 += fingerprint + " ";
    }
    tls.changed = in.now;
    for (Sidecar& sidecar : sidecars) sidecar.coming.emplace_back(in.now + sidecar.lag, tls);
  }

  int roots_made_ = 0;
};

}  // namespace socketmesh::op::plan

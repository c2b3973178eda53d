// What a sidecar in a pod is made from, apart from the user's own spec: the shape that this
// operator gives to pods, and the image. status.sidecarRevision pins it, so that an operator
// upgrade restarts no user pod. Values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operator/plan/plan.hpp"

namespace socketmesh::op::plan {

// Counts up whenever sidecar_pod() or sidecar_config() change what they make of the same spec. The
// older shapes must then still be made for the meshes that are pinned to them.
inline constexpr int kShape = 1;

struct SidecarRevision {
  int shape = kShape;
  std::string image;
  std::string pull_policy;  // empty: the kubelet's rule

  // "1/ghcr.io/socketmesh/sidecar:0.1.0", with a policy "1+Always/ghcr.io/…".
  [[nodiscard]] std::string to_string() const;
  // Nothing for what to_string() never wrote, and for shapes that this operator cannot make.
  static std::optional<SidecarRevision> parse(std::string_view text);

  bool operator==(const SidecarRevision&) const = default;
};

// The hash of what a user changes to have pods made anew: template, sidecar and drop-in.
std::string template_hash(const api::SocketMesh& mesh);

// The pinned revision, or the newest: for a mesh without running pods, when template or sidecar
// changed, and with the upgrade annotation.
SidecarRevision choose_revision(const api::SocketMesh& mesh, const Settings& settings,
                                const std::optional<Record>& record);

}  // namespace socketmesh::op::plan

// Is the mesh one? From what its sidecars say of themselves at /status.
//
// A mesh has converged when every sidecar is linked with every other and they agree on who is
// attached. Sidecars are believed about themselves only as far as a status goes: whatever a body
// holds, reading it gives a view or nothing. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/plan/rotation.hpp"

namespace socketmesh::op::plan {

// One sidecar's /status, as far as the operator is concerned.
struct SidecarStatus {
  std::string sidecar_id;
  bool leaving = false;
  std::uint32_t members_local = 0;  // apps attached to it
  std::uint32_t members_up = 0;     // of the whole mesh, as it sees them, its own included
  std::vector<std::string> linked;  // sidecar ids, sorted
  std::optional<std::string> bundle_sha256;
  std::optional<CertTime> leaf_not_after;

  bool operator==(const SidecarStatus&) const = default;
};

// Nothing when the body is no sidecar's status.
std::optional<SidecarStatus> read_sidecar_status(const nlohmann::json& body);

// A pod that should have a sidecar in the mesh.
struct SidecarPod {
  std::string name;
  bool started = false;                 // the kubelet says so; before it is not asked
  bool asked = false;                   // since it started
  std::optional<SidecarStatus> status;  // nothing when it was not, or could not be reached
  std::string error;                    // why not
};

// The reason of a Convergence that is unknown because there is nobody to ask.
inline constexpr char kNoSidecars[] = "NoSidecars";

enum class Converged : std::uint8_t { kTrue, kFalse, kUnknown };

struct Convergence {
  Converged converged = Converged::kUnknown;
  std::string reason;                   // CamelCase
  std::string message;                  // a sentence
  std::optional<std::int32_t> members;  // nothing while nobody was reached
};

// `expected`: how many sidecars there should be at least.
Convergence converge(std::span<const SidecarPod> pods, std::int32_t expected);

}  // namespace socketmesh::op::plan

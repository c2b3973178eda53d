// The status of a SocketMesh, from what the operator observed: counts and conditions.
//
//   CertificatesReady  the Secrets hold what sidecars need
//   Available          enough pods are ready
//   MeshConverged      the sidecars are linked; Unknown when some cannot be asked
//   Ready              all of these, and everything wanted could be applied
//   NameConflict       True while an object of a name that is needed belongs to somebody else
//   Paused             True while the pause annotation is there
// The last two are there only while True. Every condition that is written says which generation it
// is about. The same observations give the same status, so an unchanged one need not be written.
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/socket_mesh.hpp"
#include "operator/plan/convergence.hpp"
#include "operator/plan/plan.hpp"
#include "operator/plan/rotation.hpp"

namespace socketmesh::op::plan {

inline constexpr char kNameConflict[] = "NameConflict";
inline constexpr char kPaused[] = "Paused";

// What the Deployment controller says.
struct DeploymentStatus {
  std::int32_t wanted = 0;  // spec.replicas
  std::int32_t replicas = 0;
  std::int32_t ready = 0;
  bool observed = false;   // of the generation that is there now
  bool available = false;  // its condition Available
  std::string trouble;     // message of ReplicaFailure, or of a rollout that got stuck; or empty
};

// The pods of the mesh's label that have not ended.
struct PodCounts {
  std::int32_t members = 0;  // with a sidecar
  std::int32_t ready = 0;    // of those
  std::int32_t bare = 0;     // without, and not by choice
};

// The API server would not take an object.
struct Refusal {
  std::string object;   // "Deployment default/chat"
  std::string message;  // the server's
};

struct Observations {
  bool paused = false;
  std::vector<std::string> conflicts;  // "Service default/chat"
  std::vector<Refusal> refusals;
  std::vector<Finding> findings;
  std::optional<DeploymentStatus> deployment;  // nothing: absent, or labelled mode
  PodCounts pods;
  CertificatesCondition certificates;
  api::CertificatesStatus certificates_status;
  Convergence convergence;
  std::string revision;
  std::string selector;
};

// `now`: RFC 3339, for conditions that change.
api::Status make_status(const api::SocketMesh& mesh, const Observations& seen,
                        std::string_view now);

// For a spec that this operator cannot read: what is known stays, Ready is False.
api::Status invalid_status(const api::Metadata& metadata, api::Status before,
                           const api::Problems& problems, std::string_view now);

}  // namespace socketmesh::op::plan

// The injecting webhook as a function: an AdmissionReview's bytes in, an answer out.
//
// A pod labelled socketmesh.io/mesh gets the sidecar of that mesh, if the mesh is there and has its
// certificates; a pod that cannot get one is admitted as it is, with a warning: this webhook never
// refuses a pod. The patch is idempotent, and a later pass gives containers that another webhook
// added the app socket's mount. The pod's own ServiceAccount and its tokens are not touched.
//
// Pure and total: hostile bytes make a 400, bounded in size and depth. Any thread, if `find` is.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace socketmesh::op::webhook {

// An API server sends at most 3 MiB (its own limit for a request is the same).
inline constexpr std::size_t kReviewBytesMax = 3 * 1024 * 1024;
// Nesting of its JSON; a pod's own is below 20.
inline constexpr std::size_t kReviewDepthMax = 64;

// A mesh that pods may join, and what they get: pieces of a pod, as the Deployment's plan has them
// (operator/plan/sidecar_pod.hpp), of the revision that the mesh is pinned to.
struct InjectableMesh {
  bool certificates_ready = false;
  nlohmann::json container;  // the sidecar, first of the initContainers
  nlohmann::json volumes;    // array
  nlohmann::json app_mount;  // the volumeMount that every app container gets
  std::string evictable;     // names of volumes for safe-to-evict-local-volumes
};
using FindMesh =
    std::function<std::optional<InjectableMesh>(const std::string& ns, const std::string& mesh)>;

enum class Outcome {
  kInjected,   // patched, the second pass of a reinvocation included
  kUnchanged,  // has it all already
  kLeftOut,    // not labelled, opted out, managed, or not a pod's creation
  kNoMesh,     // admitted bare: the SocketMesh is not there
  kNotReady,   // admitted bare: its certificates are not
  kConflict,   // admitted bare: a container or volume of ours has a namesake
  kBadReview,  // 400
};
const char* name_of(Outcome outcome);  // as a metric's label: "injected", "no_mesh"

struct Answer {
  int status = 200;  // or 400
  std::string body;  // an AdmissionReview; a sentence for 400
  Outcome outcome = Outcome::kBadReview;
  std::string message;  // why not, for the log: no payload
};

Answer review(std::string_view body, const FindMesh& find);

}  // namespace socketmesh::op::webhook

// The injecting webhook as a function: an AdmissionReview's bytes in, an answer out.
//
// A pod labelled socketmesh.io/mesh gets the sidecar of that mesh, if the mesh is there and has its
// certificates; a pod that cannot get one is admitted as it is, with a warning: this webhook never
// refuses a pod. The patch is idempotent, and a later pass gives containers that another webhook
// added the mount of the app socket. The pod's own ServiceAccount and its tokens are not touched.
//
// Pure and total: hostile bytes make a 400, bounded in size and depth. Any thread, if `find` is.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::webhook {

// A pod is at most 1.5 MiB in etcd and 3 MiB in a request; JSON's depth is kube::kJsonDepthMax.
inline constexpr std::size_t kReviewBytesMax = 4U << 20U;
// Of the review's uid, which is echoed; the API server's have 36.
inline constexpr std::size_t kUidBytesMax = 128;
// Of one warning: the API server cuts longer ones.
inline constexpr std::size_t kWarningBytesMax = 256;

// The mesh of that name, spec and status, or null. Pods join by its status: CertificatesReady, and
// the sidecarRevision that it is pinned to. Whoever reports CertificatesReady has made what pods
// mount: the ConfigMap and the TLS Secret.
using FindMesh = std::function<std::shared_ptr<const api::SocketMesh>(const std::string& ns,
                                                                      const std::string& mesh)>;

enum class Outcome {
  kInjected,   // patched, also by a later pass
  kUnchanged,  // has it all already
  kLeftOut,    // no creation of a pod, not labelled, opted out, or the operator's own
  kNoMesh,     // admitted bare: the SocketMesh is not there
  kNotReady,   // admitted bare: its certificates are not
  kConflict,   // admitted bare: something in the pod is where the sidecar's things would be
  kBadReview,  // 400
};
// As a metric's label: "injected", "no_mesh".
const char* name_of(Outcome outcome);

struct Answer {
  Outcome outcome = Outcome::kBadReview;
  int status = 400;     // of HTTP: 200, or 400 for kBadReview
  std::string body;     // an AdmissionReview; for kBadReview a JSON text that says why
  std::string message;  // for the log, without payload: the warning, or what is wrong; may be empty
};

Answer review(std::string_view body, const FindMesh& find);

}  // namespace socketmesh::op::webhook

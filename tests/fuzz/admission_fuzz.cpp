// The injecting webhook: whatever comes is answered, a pod is never refused, a patch applies, and a
// second pass finds nothing to do. Inputs are reviews, or pods to be put into one.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/base/base64.hpp"
#include "operator/webhook/admission.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using nlohmann::json;
using socketmesh::fuzz::require;
using socketmesh::op::webhook::Answer;
using socketmesh::op::webhook::Outcome;

// Meshes whose names begin with n are not there, and with u not ready.
std::shared_ptr<const socketmesh::op::api::SocketMesh> find(const std::string& ns,
                                                            const std::string& name) {
  if (name.starts_with('n')) return nullptr;
  auto mesh = std::make_shared<socketmesh::op::api::SocketMesh>();
  mesh->metadata.name = "chat";
  mesh->metadata.namespace_name = ns;
  mesh->status.sidecar_revision = "1/registry.example/sidecar:1";
  mesh->status.conditions.push_back({.type = "CertificatesReady",
                                     .status = name.starts_with('u') ? "False" : "True",
                                     .reason = "",
                                     .message = "",
                                     .last_transition_time = ""});
  return mesh;
}

// The patch of an answer; null for a bad review.
json patch_of(const Answer& answer) {
  const json body = json::parse(answer.body);
  require((answer.status == 400) == (answer.outcome == Outcome::kBadReview));
  if (answer.status == 400) return nullptr;
  const json& response = body.at("response");
  require(answer.status == 200 && response.at("allowed") == true);
  require(response.contains("patch") == (answer.outcome == Outcome::kInjected));
  if (!response.contains("patch")) return json::array();
  const auto patch = socketmesh::base64_decode(response.at("patch").get<std::string>());
  require(patch.has_value());
  return json::parse(*patch);
}

void put_into_review(json pod) {
  json review = {{"apiVersion", "admission.k8s.io/v1"},
                 {"kind", "AdmissionReview"},
                 {"request",
                  {{"uid", "u"},
                   {"kind", {{"version", "v1"}, {"kind", "Pod"}}},
                   {"operation", "CREATE"},
                   {"namespace", "talk"}}}};
  review["request"]["object"] = pod;
  const Answer answer = socketmesh::op::webhook::review(review.dump(), find);
  const json patch = patch_of(answer);
  if (answer.outcome != Outcome::kInjected) return;
  pod.patch_inplace(patch);
  require(pod.at("spec").at("initContainers").at(0).is_object());
  review["request"]["object"] = std::move(pod);
  require(socketmesh::op::webhook::review(review.dump(), find).outcome == Outcome::kUnchanged);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = socketmesh::fuzz::text({data, size});
  patch_of(socketmesh::op::webhook::review(text, find));
  // Deep documents would only find out how deep this program's own parser can go.
  if (std::count(text.begin(), text.end(), '[') + std::count(text.begin(), text.end(), '{') >
      1000) {
    return 0;
  }
  json pod = json::parse(text, nullptr, false);
  if (!pod.is_discarded()) put_into_review(std::move(pod));
  return 0;
}

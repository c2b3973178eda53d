#include "operator/webhook/admission.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "lib/base/base64.hpp"
#include "lib/base/text.hpp"
#include "lib/base/utf8.hpp"
#include "lib/kube/decode.hpp"
#include "operator/api/json_access.hpp"
#include "operator/plan/sidecar_pod.hpp"
#include "operator/webhook/patch.hpp"
#include "operator/webhook/pod.hpp"

namespace socketmesh::op::webhook {
namespace {

using nlohmann::json;

constexpr char kReviewVersion[] = "admission.k8s.io/v1";
constexpr char kReviewKind[] = "AdmissionReview";

struct Request {
  std::string uid;
  std::string ns;
  json pod;  // null when this is no creation of a pod
};

Expected<Request> read_request(json& review) {
  if (api::text_at(review, "apiVersion") != kReviewVersion ||
      api::text_at(review, "kind") != kReviewKind) {
    return Unexpected{"it is no AdmissionReview of admission.k8s.io/v1"};
  }
  const json& request = api::member(review, "request");
  Request result{api::text_at(request, "uid"), api::text_at(request, "namespace"), nullptr};
  if (result.uid.empty() || result.uid.size() > kUidBytesMax) {
    return Unexpected{"its request has no usable uid"};
  }
  const json& kind = api::member(request, "kind");
  const bool creates_a_pod =
      api::text_at(request, "operation") == "CREATE" && api::text_at(kind, "kind") == "Pod" &&
      api::text_at(kind, "group").empty() && api::text_at(request, "subResource").empty();
  if (!creates_a_pod) return result;
  if (result.ns.empty()) return Unexpected{"its request has no namespace"};
  if (!is_well_formed(api::member(request, "object"))) return Unexpected{"its pod is malformed"};
  result.pod = std::move(review["request"]["object"]);
  return result;
}

Answer refuse(const std::string& why) {
  const std::string message = "The review cannot be answered: " + why + ".";
  return {Outcome::kBadReview, 400, json{{"error", message}}.dump(), message};
}

struct Verdict {
  Outcome outcome = Outcome::kLeftOut;
  json patch = json::array();
  std::string warning;
};

Answer admit(const Request& request, const Verdict& verdict) {
  json response = {{"uid", request.uid}, {"allowed", true}};
  if (!verdict.patch.empty()) {
    response["patchType"] = "JSONPatch";
    response["patch"] = base64_encode(verdict.patch.dump());
  }
  const std::string warning(utf8_prefix(verdict.warning, kWarningBytesMax));
  if (!warning.empty()) response["warnings"] = json::array({warning});
  const json answer = {
      {"apiVersion", kReviewVersion}, {"kind", kReviewKind}, {"response", std::move(response)}};
  return {verdict.outcome, 200, answer.dump(), warning};
}

Verdict bare(Outcome outcome, const std::string& why) {
  return {outcome, json::array(), "socketmesh: no sidecar was added: " + why};
}

Verdict judge(const Request& request, const FindMesh& find) {
  if (request.pod.is_null()) return {};
  const std::string name = wanted_mesh(request.pod);
  if (name.empty()) return {};
  const auto mesh = find(request.ns, name);
  if (!mesh || mesh->metadata.deleting) {
    return bare(Outcome::kNoMesh, "there is no SocketMesh " + in_quotes(name) + " in namespace " +
                                      in_quotes(request.ns));
  }
  const auto revision = plan::SidecarRevision::parse(mesh->status.sidecar_revision);
  if (!revision || !api::is_true(mesh->status.conditions, api::kCertificatesReady)) {
    return bare(Outcome::kNotReady, "SocketMesh " + in_quotes(name) +
                                        " has no certificates yet; delete the pod once it has");
  }
  if (const auto conflict = find_conflict(request.pod)) {
    return bare(Outcome::kConflict, "the pod has " + *conflict + " of its own");
  }
  json after = request.pod;
  plan::add_sidecar(after, *mesh, *revision);
  Verdict verdict{Outcome::kInjected, make_patch(request.pod, after), ""};
  if (verdict.patch.empty()) verdict.outcome = Outcome::kUnchanged;
  const bool host_network = api::member(api::member(after, "spec"), "hostNetwork") == true;
  if (host_network && !plan::has_sidecar(request.pod)) {
    verdict.warning =
        "socketmesh: the sidecar of a pod with hostNetwork takes ports 7400 and 7401 of its node";
  }
  return verdict;
}

}  // namespace

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kInjected:
      return "injected";
    case Outcome::kUnchanged:
      return "unchanged";
    case Outcome::kLeftOut:
      return "left_out";
    case Outcome::kNoMesh:
      return "no_mesh";
    case Outcome::kNotReady:
      return "not_ready";
    case Outcome::kConflict:
      return "conflict";
    case Outcome::kBadReview:
      return "bad_review";
  }
  return "";
}

Answer review(std::string_view body, const FindMesh& find) {
  if (body.size() > kReviewBytesMax) return refuse("it is too long");
  auto parsed = socketmesh::kube::parse_json(body);
  if (!parsed) return refuse(parsed.error());
  const auto request = read_request(*parsed);
  if (!request) return refuse(request.error());
  return admit(*request, judge(*request, find));
}

}  // namespace socketmesh::op::webhook

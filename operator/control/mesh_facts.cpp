#include "operator/control/mesh_facts.hpp"

#include <algorithm>

#include "operator/plan/object.hpp"

namespace socketmesh::op::control {
namespace {

std::string text_of(plan::CertTime time) {
  return plan::format_time(time.time_since_epoch());
}

bool pollable(const PodRecord& pod) {
  return pod.member() && !pod.address.empty();
}

}  // namespace

nlohmann::json secret_metadata(const api::SocketMesh& mesh) {
  nlohmann::json metadata = plan::make_object(mesh, "v1", "Secret", "")["metadata"];
  metadata.erase("name");
  return metadata;
}

std::vector<PollTarget> targets_of(const std::vector<PodRecord>& pods) {
  std::vector<PollTarget> targets;
  for (const PodRecord& pod : pods)
    if (pollable(pod))
      targets.push_back({pod.uid, pod.name, pod.address, pod.sidecar_started, pod.ready});
  return targets;
}

std::vector<plan::SidecarReport> reports_of(const std::vector<plan::SidecarPod>& polled,
                                            const std::vector<PodRecord>& pods) {
  std::vector<plan::SidecarReport> reports;
  for (const PodRecord& pod : pods) {
    if (!pollable(pod)) continue;
    plan::SidecarReport report;
    report.name = pod.name;
    const auto found = std::find_if(polled.begin(), polled.end(),
                                    [&](const auto& other) { return other.name == pod.name; });
    if (found != polled.end() && found->status) {
      report.bundle_sha256 = found->status->bundle_sha256;
      report.leaf_not_after = found->status->leaf_not_after;
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

std::int32_t expected_sidecars(const api::SocketMesh& mesh) {
  if (mesh.spec.labelled()) return 0;
  return mesh.spec.autoscaling ? mesh.spec.autoscaling->min_replicas : mesh.spec.replicas;
}

plan::PodCounts count_pods(const std::vector<PodRecord>& pods) {
  plan::PodCounts counts;
  for (const PodRecord& pod : pods) {
    counts.members += pod.member() ? 1 : 0;
    counts.ready += pod.member() && pod.ready ? 1 : 0;
    counts.bare += pod.bare() ? 1 : 0;
  }
  return counts;
}

std::shared_ptr<const kube::MeshCredentials> credentials_of(
    const CertificateView& view, const api::Metadata& metadata,
    const std::shared_ptr<const kube::MeshCredentials>& before) {
  if (!view.texts) return nullptr;
  const pki::TlsTexts& texts = *view.texts;
  if (before != nullptr && before->ca_pem == texts.ca_pem && before->cert_pem == texts.cert_pem &&
      before->key_pem == texts.key_pem) {
    return before;
  }
  return std::make_shared<const kube::MeshCredentials>(
      kube::MeshCredentials{texts.ca_pem, texts.cert_pem, texts.key_pem,
                            api::spiffe_id(metadata.namespace_name, metadata.name)});
}

void see_certificates(const CertificateView* view, const api::Status& before,
                      const CertificateReport& report, plan::Observations& seen) {
  if (view == nullptr) {
    seen.certificates_status = before.certificates;
    const api::Condition* said = api::find_condition(before.conditions, api::kCertificatesReady);
    if (said != nullptr) {
      seen.certificates = {said->status == "True", said->reason, said->message};
    } else {
      const std::string& failure = report.error ? report.error->message : report.failure;
      seen.certificates = {false, "Issuing",
                           failure.empty() ? "There is no certificate yet." : failure};
    }
    return;
  }
  seen.certificates = view->decision.condition;
  seen.certificates_status.phase = plan::name_of(view->decision.phase);
  if (view->leaf_not_after > plan::CertTime{})
    seen.certificates_status.leaf_not_after = text_of(view->leaf_not_after);
  if (view->root_not_after)
    seen.certificates_status.root_not_after = text_of(*view->root_not_after);
}

}  // namespace socketmesh::op::control

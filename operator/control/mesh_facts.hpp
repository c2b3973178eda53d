// What a reconcile derives from pods, polls and Secrets. Pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "operator/control/certificates.hpp"
#include "operator/control/sidecar_polls.hpp"
#include "operator/control/view.hpp"
#include "operator/plan/status.hpp"

namespace socketmesh::op::control {

// Namespace, labels and owner of the mesh's Secrets, as its other objects have them.
nlohmann::json secret_metadata(const api::SocketMesh& mesh);

// The sidecars that can be asked, now or once they have started.
std::vector<PollTarget> targets_of(const std::vector<PodRecord>& pods);

// What the rotation knows of each of them; one that was not reached has reported nothing.
std::vector<plan::SidecarReport> reports_of(const std::vector<plan::SidecarPod>& polled,
                                            const std::vector<PodRecord>& pods);

// How many sidecars there should be at least; under autoscaling and in labelled mode others decide.
std::int32_t expected_sidecars(const api::SocketMesh& mesh);

plan::PodCounts count_pods(const std::vector<PodRecord>& pods);

// For the polls. `before` is kept when nothing changed; null without usable Secrets.
std::shared_ptr<const kube::MeshCredentials> credentials_of(
    const CertificateView& view, const api::Metadata& metadata,
    const std::shared_ptr<const kube::MeshCredentials>& before);

// The parts of the status that are about certificates. Without a view (it could not be looked) what
// was said before stays.
void see_certificates(const CertificateView* view, const api::Status& before,
                      const CertificateReport& report, plan::Observations& seen);

}  // namespace socketmesh::op::control

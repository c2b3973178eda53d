// The Events that a reconcile gives rise to. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "operator/control/certificates.hpp"
#include "operator/control/object_sync.hpp"
#include "operator/control/view.hpp"
#include "operator/plan/event_log.hpp"

namespace socketmesh::op::control {

plan::Event about_mesh(const api::Metadata& mesh, bool warning, std::string reason,
                       std::string action, std::string message);

// A pod that bears the mesh's label and runs without sidecar.
plan::Event about_bare_pod(const PodRecord& pod, bool mesh_exists);

std::vector<plan::Event> events_of(const api::Metadata& mesh, const SyncReport& synced,
                                   const CertificateReport& certified);

}  // namespace socketmesh::op::control

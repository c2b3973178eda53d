// One builder for each kind of object, without hash: plan.cpp decides which there are. Internal to
// operator/plan.
#pragma once

#include "operator/plan/plan.hpp"
#include "operator/plan/sidecar_revision.hpp"

namespace socketmesh::op::plan {

// spec.replicas is left out under autoscaling.
json make_deployment(const api::SocketMesh& mesh, const SidecarRevision& revision);

// The applied form of "so many replicas, whoever decides next" (see Plan::hand_over).
json make_replicas(const api::SocketMesh& mesh, std::int32_t replicas);

json make_config_map(const api::SocketMesh& mesh);
json make_role_binding(const api::SocketMesh& mesh);

json make_mesh_service(const api::SocketMesh& mesh);
// These two need spec.port.
json make_client_service(const api::SocketMesh& mesh);
json make_ingress(const api::SocketMesh& mesh);

json make_disruption_budget(const api::SocketMesh& mesh);
json make_autoscaler(const api::SocketMesh& mesh);
json make_network_policy(const api::SocketMesh& mesh, const Settings& settings);
json make_pod_monitor(const api::SocketMesh& mesh);

}  // namespace socketmesh::op::plan

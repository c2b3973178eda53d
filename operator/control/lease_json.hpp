// A Lease as coordination.k8s.io/v1 writes it. Pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include "operator/kube/resource.hpp"
#include "operator/plan/election.hpp"

namespace socketmesh::op::control {

// Whatever anybody wrote there is read; what is missing is empty.
plan::Lease read_lease(const nlohmann::json& object);

// For create (without a version) or replace.
nlohmann::json lease_json(const kube::ObjectRef& ref, const plan::Lease& lease);

}  // namespace socketmesh::op::control

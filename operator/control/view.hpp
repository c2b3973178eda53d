// What the operator keeps of the cluster's objects: small values, made from JSON as soon as it
// comes. The trim functions go into the watches: they cut an object down while a list is still
// being read, so that a long one needs little memory. Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/api/socket_mesh.hpp"
#include "operator/plan/drift.hpp"
#include "operator/plan/plan.hpp"
#include "operator/plan/status.hpp"

namespace socketmesh::op::control {

// metadata.resourceVersion as a number, to tell an older state from a newer one; 0 when it is none.
std::uint64_t version_of(const nlohmann::json& object);
// uid of the ownerReference with controller: true; empty without one.
std::string controller_of(const nlohmann::json& object);

// A SocketMesh; with problems, the spec is not to be used.
struct MeshRecord {
  api::SocketMesh mesh;
  api::Problems problems;
  std::uint64_t version = 0;

  // "default/chat".
  [[nodiscard]] std::string key() const;
  // Whether anything but the status differs: what a reconcile is for.
  [[nodiscard]] bool wants_other(const MeshRecord& before) const;
};

void trim_mesh(nlohmann::json& object);
MeshRecord read_mesh(const nlohmann::json& object);

// An object that the operator made for a mesh, or that bears the label of one.
struct OwnedObject {
  plan::ObjectId id;
  std::string mesh;  // by its label; empty without
  std::uint64_t version = 0;
  plan::LiveObject live;
  plan::Record record;  // annotations of an earlier plan
  // Of a Deployment only.
  bool owns_replicas = false;
  std::optional<plan::DeploymentStatus> deployment;
};

// `object` with kind and apiVersion. Idempotent.
void trim_owned(nlohmann::json& object);
OwnedObject read_owned(nlohmann::json object);

// A pod that bears the label of a mesh.
struct PodRecord {
  std::string namespace_name;
  std::string name;
  std::string uid;
  std::string mesh;
  std::string address;  // empty: none yet
  bool ready = false;
  bool sidecar = false;          // among its init containers
  bool sidecar_started = false;  // its startup probe passed
  bool opted_out = false;        // asked for no sidecar
  bool ended = false;            // succeeded or failed
  bool deleting = false;
  std::uint64_t version = 0;

  // Labelled, alive, and without the sidecar that it did not refuse.
  [[nodiscard]] bool bare() const { return !sidecar && !opted_out && !ended && !deleting; }
  // Part of the mesh, now or soon.
  [[nodiscard]] bool member() const { return sidecar && !ended && !deleting; }
  [[nodiscard]] bool same_but_version(const PodRecord& other) const;
};

void trim_pod(nlohmann::json& object);
PodRecord read_pod(const nlohmann::json& object);

}  // namespace socketmesh::op::control

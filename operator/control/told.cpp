#include "operator/control/told.hpp"

#include <utility>

namespace socketmesh::op::control {
namespace {

std::string in_words(const std::vector<std::string>& objects) {
  std::string words;
  for (const std::string& object : objects) words += (words.empty() ? "" : ", ") + object;
  return words;
}

}  // namespace

plan::Event about_mesh(const api::Metadata& mesh, bool warning, std::string reason,
                       std::string action, std::string message) {
  plan::Event event;
  event.about = {api::kApiVersion, api::kKind, mesh.namespace_name, mesh.name, mesh.uid};
  event.warning = warning;
  event.reason = std::move(reason);
  event.action = std::move(action);
  event.message = std::move(message);
  return event;
}

plan::Event about_bare_pod(const PodRecord& pod, bool mesh_exists) {
  plan::Event event;
  event.about = {"v1", "Pod", pod.namespace_name, pod.name, pod.uid};
  event.warning = true;
  event.reason = "NoSidecar";
  event.action = "Inject";
  event.message = mesh_exists
                      ? "The pod is labelled for mesh " + pod.mesh +
                            " and runs without sidecar: the webhook was away, or the mesh not "
                            "ready, when it was made. Delete it, and it comes back with one."
                      : "The pod is labelled for mesh " + pod.mesh +
                            " and runs without sidecar: there is no SocketMesh of that name here.";
  return event;
}

std::vector<plan::Event> events_of(const api::Metadata& mesh, const SyncReport& synced,
                                   const CertificateReport& certified) {
  std::vector<plan::Event> events;
  const auto normal = [&](const char* reason, const char* action, const std::string& message) {
    events.push_back(about_mesh(mesh, false, reason, action, message));
  };
  const auto warning = [&](const char* reason, const char* action, const std::string& message) {
    events.push_back(about_mesh(mesh, true, reason, action, message));
  };
  for (const std::string& step : certified.steps) normal("CertificatesChanged", "Rotate", step);
  if (!certified.failure.empty()) warning("CertificatesFailed", "Rotate", certified.failure);
  if (!synced.removed.empty()) normal("Deleted", "Delete", in_words(synced.removed));
  if (!synced.created.empty()) normal("Created", "Create", in_words(synced.created));
  if (!synced.changed.empty()) normal("Applied", "Apply", in_words(synced.changed));
  if (!synced.repaired.empty())
    normal("Repaired", "Apply", "changed by somebody else: " + in_words(synced.repaired));
  std::vector<std::string> conflicts = certified.conflicts;
  conflicts.insert(conflicts.end(), synced.conflicts.begin(), synced.conflicts.end());
  if (!conflicts.empty())
    warning("NameConflict", "Apply",
            in_words(conflicts) + " exists and does not belong to this SocketMesh: left alone");
  for (const plan::Refusal& refusal : synced.refusals)
    warning("ObjectRefused", "Apply", refusal.object + ": " + refusal.message);
  return events;
}

}  // namespace socketmesh::op::control

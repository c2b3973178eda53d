#include "operator/plan/status.hpp"

#include <utility>

namespace socketmesh::op::plan {
namespace {

using api::Condition;

const char* text_of(bool value) {
  return value ? "True" : "False";
}

const char* text_of(Converged value) {
  switch (value) {
    case Converged::kTrue:
      return "True";
    case Converged::kFalse:
      return "False";
    case Converged::kUnknown:
      break;
  }
  return "Unknown";
}

Condition condition(const char* type, const char* status, std::string reason, std::string message) {
  Condition made;
  made.type = type;
  made.status = status;
  made.reason = std::move(reason);
  made.message = std::move(message);
  return made;
}

std::string ready_of(std::int32_t ready, std::int32_t total) {
  return std::to_string(ready) + " of " + std::to_string(total) + " pods are ready";
}

Condition available_in_deployment(const std::optional<DeploymentStatus>& deployment) {
  if (!deployment)
    return condition(api::kAvailable, "False", "NoDeployment", "the Deployment is not there yet");
  const DeploymentStatus& seen = *deployment;
  if (!seen.trouble.empty() && !seen.available)
    return condition(api::kAvailable, "False", "DeploymentFailing", seen.trouble);
  if (seen.wanted == 0)
    return condition(api::kAvailable, "True", "ScaledToZero", "no pods are wanted");
  const bool available = seen.observed && seen.available;
  return condition(api::kAvailable, text_of(available), available ? "PodsReady" : "PodsNotReady",
                   ready_of(seen.ready, seen.wanted));
}

Condition available_in_pods(const PodCounts& pods) {
  if (pods.members == 0)
    return condition(api::kAvailable, "True", "NoPods", "no pod with a sidecar has joined yet");
  return condition(api::kAvailable, text_of(pods.ready > 0),
                   pods.ready > 0 ? "PodsReady" : "PodsNotReady",
                   ready_of(pods.ready, pods.members));
}

Condition name_conflict(const std::vector<std::string>& objects) {
  std::string message = "exists and does not belong to this SocketMesh, so it is left alone: ";
  for (std::size_t i = 0; i < objects.size(); ++i) message += (i == 0 ? "" : ", ") + objects[i];
  return condition(kNameConflict, "True", "ObjectNotOwned", std::move(message));
}

std::string in_words(const std::vector<Refusal>& refusals) {
  std::string words;
  for (const Refusal& refusal : refusals)
    words += (words.empty() ? "" : "; ") + refusal.object + ": " + refusal.message;
  return words;
}

std::string in_words(const std::vector<Finding>& findings) {
  std::string words;
  for (const Finding& finding : findings) words += (words.empty() ? "" : "; ") + finding.message;
  return words;
}

// Ready says the first thing that is wrong, the gravest first.
Condition ready(const Observations& seen, const std::vector<Condition>& conditions) {
  if (!seen.conflicts.empty()) {
    const Condition* conflict = api::find_condition(conditions, kNameConflict);
    return condition(api::kReady, "False", kNameConflict, conflict->message);
  }
  if (!seen.refusals.empty())
    return condition(api::kReady, "False", "ObjectRefused", in_words(seen.refusals));
  if (!seen.findings.empty())
    return condition(api::kReady, "False", seen.findings.front().reason, in_words(seen.findings));
  for (const char* type : {api::kCertificatesReady, api::kAvailable}) {
    const Condition* part = api::find_condition(conditions, type);
    if (part->status != "True")
      return condition(api::kReady, part->status.c_str(), part->reason, part->message);
  }
  // A mesh that waits for its first pod is as ready as it can be.
  const Condition* converged = api::find_condition(conditions, api::kMeshConverged);
  if (converged->status != "True" && converged->reason != kNoSidecars)
    return condition(api::kReady, converged->status.c_str(), converged->reason, converged->message);
  return condition(api::kReady, "True", "Ready", "the mesh is up");
}

}  // namespace

api::Status make_status(const api::SocketMesh& mesh, const Observations& seen,
                        std::string_view now) {
  const std::int64_t generation = mesh.metadata.generation;
  api::Status status;
  status.conditions = mesh.status.conditions;
  status.observed_generation = generation;
  status.selector = seen.selector;
  status.sidecar_revision = seen.revision;
  status.certificates = seen.certificates_status;
  status.members = seen.convergence.members;
  if (mesh.spec.labelled()) {
    status.desired_replicas = status.replicas = seen.pods.members;
    status.ready_replicas = seen.pods.ready;
  } else if (seen.deployment) {
    status.desired_replicas = seen.deployment->wanted;
    status.replicas = seen.deployment->replicas;
    status.ready_replicas = seen.deployment->ready;
  }

  const auto set = [&](Condition made) {
    made.observed_generation = generation;
    api::set_condition(status.conditions, std::move(made), now);
  };
  const auto set_or_remove = [&](bool is, Condition made) {
    const std::string type = made.type;
    if (is) return set(std::move(made));
    api::remove_condition(status.conditions, type);
  };
  set(condition(api::kCertificatesReady, text_of(seen.certificates.ready), seen.certificates.reason,
                seen.certificates.message));
  set(mesh.spec.labelled() ? available_in_pods(seen.pods)
                           : available_in_deployment(seen.deployment));
  set(condition(api::kMeshConverged, text_of(seen.convergence.converged), seen.convergence.reason,
                seen.convergence.message));
  set_or_remove(!seen.conflicts.empty(), name_conflict(seen.conflicts));
  set_or_remove(seen.paused, condition(kPaused, "True", "Annotated",
                                       "nothing is changed while the annotation is there"));
  set(ready(seen, status.conditions));
  return status;
}

api::Status invalid_status(const api::Metadata& metadata, api::Status before,
                           const api::Problems& problems, std::string_view now) {
  before.observed_generation = metadata.generation;
  Condition made = condition(api::kReady, "False", "InvalidSpec", api::to_string(problems));
  made.observed_generation = metadata.generation;
  api::set_condition(before.conditions, std::move(made), now);
  return before;
}

}  // namespace socketmesh::op::plan

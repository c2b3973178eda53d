#include "operator/control/health.hpp"

namespace socketmesh::op::control {

std::string what_hangs(const Vitals& vitals) {
  if (vitals.longest_reconcile > kWorkerHangs) return "a reconcile hangs";
  if (vitals.lease_idle > kLeaseHangs) return "the election hangs";
  if (!vitals.hanging.empty()) return "the watch of " + vitals.hanging.front() + " hangs";
  return {};
}

std::string what_is_missing(const Readiness& readiness) {
  if (readiness.stopping) return "stopping";
  if (!readiness.meshes_listed) return "SocketMeshes are not listed yet";
  if (readiness.leads && !readiness.all_listed) return "not everything is listed yet";
  if (readiness.webhook && !readiness.webhook_serves) return "the webhook does not listen yet";
  return {};
}

}  // namespace socketmesh::op::control

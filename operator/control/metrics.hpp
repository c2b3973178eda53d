// The operator's /metrics, from snapshots. Pure function.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/control/events.hpp"
#include "operator/control/informers.hpp"
#include "operator/control/key_queue.hpp"
#include "operator/control/reconciler.hpp"
#include "operator/control/sidecar_polls.hpp"
#include "operator/control/webhook_server.hpp"
#include "operator/control/workers.hpp"

namespace socketmesh::op::control {

struct Figures {
  KeyQueue::Snapshot queue;
  Workers::Figures workers;
  bool leading = false;
  std::vector<Informers::Figures> watches;
  kube::ClientStats api;
  Events::Stats events;
  SidecarPolls::Stats polls;
  std::optional<WebhookServer::Figures> webhook;
  std::vector<std::shared_ptr<const MeshRecord>> meshes;
  std::map<std::string, std::size_t> bare_pods;
  std::map<std::string, Reconciler::Expiry> expiries;
};

// In the text exposition format, the figures of the process included.
std::string metrics_text(const Figures& figures);

}  // namespace socketmesh::op::control

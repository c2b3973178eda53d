// Whether a process lives that nothing tells of: it does while its port accepts connections.
#include <algorithm>

#include "sidecar/dropin/impl.hpp"

namespace socketmesh::dropin {

void DropIn::Impl::probe(std::string_view server, std::string_view peer, bool soon) {
  stop_probing(server, peer);
  // Over the limit it counts as alive: a cut that need not be is worse than an address that is
  // dead.
  if (probes.size() >= kProbesMax) return;
  Probe& added = probes[next_number++];
  added.server = server;
  added.peer = peer;
  added.due = now;
  added.made = soon ? 0 : kProbesSoon;
  wake_at(now);
}

void DropIn::Impl::stop_probing(std::string_view server, std::string_view peer) {
  std::erase_if(probes, [&](const auto& item) {
    return item.second.server == server && item.second.peer == peer;
  });
}

Action DropIn::Impl::look_at(const Probe& probe) const {
  Action action;
  action.kind = Action::Kind::kProbe;
  if (probe.peer.empty()) {
    const auto server = own.find(probe.server);
    if (server != own.end()) action.port = server->second.address.port;
    return action;
  }
  const auto peer = peers.find(probe.peer);
  if (peer == peers.end()) return action;
  const auto server = peer->second->servers.find(probe.server);
  if (server != peer->second->servers.end()) action.text = server->second.address.host_and_port();
  return action;
}

void DropIn::Impl::probed(std::uint64_t number, bool accepts) {
  const auto found = probes.find(number);
  if (found == probes.end()) return;
  Probe& probe = found->second;
  probe.under_way = false;
  probe.failures = accepts ? 0 : probe.failures + 1;
  const int patience = probe.peer.empty() ? 1 : kRemoteProbeFailures;
  if (probe.failures >= patience) {
    const Probe dead = probe;
    probes.erase(found);
    return probe_failed(dead);
  }
  const bool soon = probe.made < kProbesSoon || probe.failures > 0;
  const TimeUs interval = probe.peer.empty() ? kOwnProbeInterval : kProbeInterval;
  probe.due = now + (soon ? kProbeSoon : interval);
  wake_at(probe.due);
}

void DropIn::Impl::probe_failed(const Probe& probe) {
  if (probe.peer.empty()) return drop_own(probe.server);
  const auto found = peers.find(probe.peer);
  if (found == peers.end()) return;
  Peer& peer = *found->second;
  const auto server = peer.servers.find(probe.server);
  if (server == peer.servers.end()) return;
  log(Action::Level::kInfo, "server gone",
      "server=\"" + probe.server + "\" peer=\"" + peer.id + "\" detail=\"it does not answer\"");
  rosters_stale = true;
  if (!server->second.disowned) {
    // Its sidecar may be back, and speak for it.
    server->second.hidden = true;
    return;
  }
  peer.servers.erase(server);
  forget_if_empty(peer);
}

void DropIn::Impl::tick_probes() {
  for (auto& [number, probe] : probes) {
    if (probe.under_way) continue;
    if (probe.due <= now) {
      Action action = look_at(probe);
      action.number = number;
      probe.under_way = true;
      ++probe.made;
      actions.push_back(std::move(action));
    } else {
      wake_at(probe.due);
    }
  }
}

}  // namespace socketmesh::dropin

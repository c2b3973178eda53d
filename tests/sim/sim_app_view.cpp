// What the adapter knows, for those who look at it.
#include <algorithm>
#include <cstdio>

#include "sidecar/core/wire/member_id.hpp"
#include "tests/sim/sim_app.hpp"

namespace socketmesh::sim {

bool SimApp::sees(MemberId member, const std::string& nsp) const {
  const auto it = peers_.find(member);
  return it != peers_.end() && (nsp.empty() || it->second.namespaces.contains(nsp));
}

bool SimApp::confirmed(MemberId member) const {
  const auto it = peers_.find(member);
  return it != peers_.end() && it->second.confirmed;
}

std::uint64_t SimApp::reached() const {
  if (!connected() || !home_.running()) return 0;
  for (const auto& member : home_.status().members) {
    if (member.local && member.id == wire::member_id_text(id_) && member.messages_in > 0)
      return written_.at(member.messages_in - 1);
  }
  return 0;
}

std::set<std::string> SimApp::namespaces() const {
  std::set<std::string> names;
  for (const auto& [nsp, state] : namespaces_) names.insert(nsp);
  return names;
}

bool SimApp::in_room(const std::string& nsp, const std::string& room) const {
  const auto it = namespaces_.find(nsp);
  return it != namespaces_.end() && it->second.rooms.contains(room);
}

bool SimApp::acknowledged(const std::string& at, std::uint64_t epoch, const std::string& nsp,
                          const std::vector<std::string>& rooms) const {
  const auto acknowledged = acknowledged_.find(at);
  if (acknowledged == acknowledged_.end()) return false;
  if (epoch != 0 && acknowledged->second.epoch != epoch) return false;
  const std::uint64_t known = acknowledged->second.state;
  const auto it = namespaces_.find(nsp);
  if (it == namespaces_.end() || it->second.index > known) return false;
  if (rooms.empty()) return true;
  return std::any_of(rooms.begin(), rooms.end(), [&](const std::string& room) {
    const auto joined = it->second.rooms.find(room);
    return joined != it->second.rooms.end() && joined->second <= known;
  });
}

TimeUs SimApp::acknowledged_when(const std::string& at) const {
  const auto acknowledged = acknowledged_.find(at);
  return acknowledged == acknowledged_.end() ? 0 : acknowledged->second.when;
}

std::optional<std::uint8_t> SimApp::synced(std::uint32_t id) const {
  const auto it = synced_.find(id);
  if (it == synced_.end()) return std::nullopt;
  return it->second;
}

std::string SimApp::describe() const {
  char text[200];
  std::snprintf(
      text, sizeof text,
      "app %u (%016llx, host %u): connected %d, retained %zu, requests %zu, syncs %zu, peers %zu",
      number_, static_cast<unsigned long long>(id_), home_.host(), connected() ? 1 : 0,
      retained_.size(), requests_.size(), pending_syncs_.size(), peers_.size());
  return text;
}

}  // namespace socketmesh::sim

// What must be true of the world: bounds at every moment, agreement and emptiness at rest.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>

#include "tests/sim/world.hpp"

namespace socketmesh::sim {

namespace {

// A bound may be passed by the frame that reached it.
constexpr std::size_t kOneFrame = 20U << 20U;
constexpr std::size_t kRecordSlack = 256U << 10U;
constexpr TimeUs kIdleWatch = 2 * kSecondUs;

std::string hex(MemberId id) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, id);
  return text;
}

void at_most(std::uint64_t value, std::uint64_t limit, const std::string& what) {
  if (value > limit) throw Violation("memory is bounded", what + " is " + std::to_string(value));
}

}  // namespace

void World::check_memory(const SidecarHost& sidecar) const {
  if (!sidecar.running()) return;
  const auto& limits = options_.limits;
  const auto status = sidecar.status();
  for (const auto& link : status.links) {
    at_most(link.window_bytes,
            limits.link_window_bytes + std::min(kOneFrame, kRecordSlack + limits.chunk_bytes),
            "the window of " + sidecar.id() + " to " + link.peer);
  }
  for (const auto& member : status.members) {
    if (!member.local) continue;
    at_most(member.queue_bytes,
            limits.member_queue_bytes + std::min(kOneFrame, kRecordSlack + limits.chunk_bytes),
            "the queue of " + sidecar.id() + " to " + member.name);
  }
}

void World::check_memory() const {
  for (const auto& sidecar : sidecars_) check_memory(*sidecar);
}

std::string World::unsettled(const SidecarHost& sidecar) const {
  const auto status = sidecar.status();
  const std::string who =
      "sidecar " + sidecar.id() + " (host " + std::to_string(sidecar.host()) + "): ";
  std::set<std::string> wanted;
  for (const HostId host : listed_) {
    const SidecarHost& other = *sidecars_[host];
    if (other.running() && other.host() != sidecar.host() &&
        other.config().mesh == sidecar.config().mesh) {
      wanted.insert(other.id());
    }
  }
  for (const auto& link : status.links) {
    // What was given up for a peer leaves a note, so that its members are told, should they return.
    const bool note_only = link.state == "parked" && link.window_bytes == 0 && link.members == 0;
    if (!wanted.contains(link.peer) && note_only) continue;
    if (wanted.erase(link.peer) == 0)
      return who + "has a link too many: " + link.peer + " " + link.state;
    if (link.state != "linked") return who + "link to " + link.peer + " is " + link.state;
    if (link.window_bytes != 0)
      return who + "keeps " + std::to_string(link.window_bytes) + " bytes for " + link.peer;
    if (link.backlog_bytes != 0) return who + "has a backlog to " + link.peer;
  }
  if (!wanted.empty()) return who + "has no link to " + *wanted.begin();
  for (const auto& address : status.addresses) {
    if (address.state != "linked" && address.state != "self") {
      return who + "address " + address.address + " is " + address.state + " (" +
             address.last_error + ")";
    }
  }
  if (status.addresses.size() != listed_.size()) return who + "knows addresses that nobody lists";

  std::map<std::string, const SimApp*> apps;
  for (const auto& app : apps_) {
    if (app->alive()) apps[hex(app->id())] = app.get();
  }
  for (const auto& member : status.members) {
    const auto it = apps.find(member.id);
    if (it == apps.end()) return who + "knows a member that is gone: " + member.name;
    const auto names = it->second->namespaces();
    if (!member.up) return who + member.name + " is not up";
    if (std::set<std::string>(member.namespaces.begin(), member.namespaces.end()) != names) {
      return who + "has the wrong namespaces of " + member.name;
    }
    if (member.sidecar != it->second->home().id())
      return who + "has the wrong sidecar of " + member.name;
    if (member.queue_bytes != 0 || member.untaken != 0)
      return who + "holds something for " + member.name;
    apps.erase(it);
  }
  if (!apps.empty()) return who + "does not know " + apps.begin()->second->describe();
  return {};
}

namespace {

// Where the messages of an app are kept, for a report.
std::string keepers(const SidecarHost& sidecar) {
  std::string text;
  const auto status = sidecar.status();
  for (const auto& link : status.links) {
    if (link.state == "linked" && link.window_bytes == 0) continue;
    text += " [" + link.peer + " " + link.state + ", " + std::to_string(link.window_bytes) +
            " bytes, " + std::to_string(link.members) + " members]";
  }
  for (const auto& member : status.members) {
    if (member.untaken > 0)
      text += " [" + member.name + " has not taken " + std::to_string(member.untaken) + "]";
  }
  return text;
}

}  // namespace

std::string World::unsettled(const SimApp& app) const {
  if (!app.welcomed()) return app.describe() + ": not attached";
  if (app.retained() != 0)
    return app.describe() + ": publishes not TAKEN; kept for" + keepers(app.home());
  if (app.pending_syncs() != 0) return app.describe() + ": a SYNC without answer";
  if (app.open_requests() != 0)
    return app.describe() + ": a request without end:" + app.describe_requests();
  std::size_t others = 0;
  for (const auto& other : apps_) {
    if (!other->alive() || other.get() == &app) continue;
    ++others;
    const auto it = app.peers().find(other->id());
    if (it == app.peers().end()) return app.describe() + ": does not see " + other->describe();
    if (it->second.namespaces != other->namespaces()) {
      return app.describe() + ": sees wrong namespaces of " + other->describe();
    }
    if (it->second.sidecar != other->home().id())
      return app.describe() + ": wrong sidecar of " + other->describe();
  }
  if (app.peers().size() != others) return app.describe() + ": sees members that are gone";
  return {};
}

std::string World::unsettled() const {
  // Where gaps are allowed, what is owed may never come; Ledger::judge() compares it with what was
  // declared.
  if (ledger_.gaps_forbidden() && ledger_.owed() > 0) return "owed: " + ledger_.first_owed();
  for (const auto& app : apps_) {
    if (!app->alive()) continue;
    std::string why = unsettled(*app);
    if (!why.empty()) return why;
  }
  for (const auto& sidecar : sidecars_) {
    if (!sidecar->running()) continue;
    std::string why = unsettled(*sidecar);
    if (!why.empty()) return why;
  }
  return {};
}

void World::settle(TimeUs limit) {
  constexpr TimeUs kFirstStep = 20 * kMillisecondUs;
  constexpr TimeUs kLongestStep = 500 * kMillisecondUs;
  const TimeUs end = clock_.now() + limit;
  std::string why = unsettled();
  for (TimeUs step = kFirstStep; !why.empty(); step = std::min(2 * step, kLongestStep)) {
    if (clock_.now() >= end) throw Violation("the mesh converges and frees what it held", why);
    clock_.run_until(std::min(end, clock_.now() + step));
    check_memory();
    why = unsettled();
  }
}

void World::check_idle() {
  // Generous: each link may ping, be pinged and acknowledge each second, each member be pinged.
  constexpr std::uint64_t kTicksPerSecond = 20;
  constexpr std::uint64_t kTicksPerConnection = 8;
  std::map<const SidecarHost*, std::uint64_t> before;
  for (const auto* sidecar : running()) before[sidecar] = sidecar->ticks();
  run_for(kIdleWatch);
  for (const auto* sidecar : running()) {
    const std::uint64_t ticks = sidecar->ticks() - before[sidecar];
    const std::uint64_t connections = running().size() + apps_of(*sidecar).size();
    const std::uint64_t bound =
        (kTicksPerSecond + kTicksPerConnection * connections) * kIdleWatch / kSecondUs;
    if (ticks > bound) {
      throw Violation("an idle sidecar rests",
                      sidecar->id() + " ticked " + std::to_string(ticks) + " times in 2 s");
    }
  }
}

}  // namespace socketmesh::sim

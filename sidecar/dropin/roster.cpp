// Who is a server, under which address, and when apps are told: whole rosters only.
#include <algorithm>

#include "sidecar/dropin/impl.hpp"

namespace socketmesh::dropin {

std::string DropIn::Impl::tunnel_to(std::string_view id) const {
  return "ws://" + options.tunnel_address + "/" + std::string(id);
}

// Carried only where both sides carry; v1 never: its peers answer on connections that a tunnel can
// not pair.
bool DropIn::Impl::is_direct(const Peer& peer, const FarServer& server) const {
  return server.version == Version::kV1 || !options.carry || !peer.carries;
}

std::string DropIn::Impl::address_of(const Peer& peer, std::string_view id,
                                     const FarServer& server) const {
  return is_direct(peer, server) ? server.registered : tunnel_to(id);
}

// What other pods are told. A v2 app shows its peers the address that it registered (its hello),
// and is cut when that is another one: never changed. A v1 app shows none.
std::string DropIn::Impl::announced(const OwnServer& server) const {
  const bool replaced =
      server.version == Version::kV1 && server.address.is_local() && !options.advertise.empty();
  return replaced ? server.address.at(options.advertise) : server.registered;
}

// Own servers stand for themselves; of two peers that name one server the first.
std::vector<Server> DropIn::Impl::roster_for(Version version) const {
  std::map<std::string_view, std::string> servers;
  for (const auto& [id, server] : own) {
    if (server.version == version) servers.emplace(id, server.registered);
  }
  for (const bool disowned : {false, true}) {
    for (const auto& [sidecar, peer] : peers) {
      for (const auto& [id, server] : peer->servers) {
        if (server.version == version && server.disowned == disowned && !server.hidden)
          servers.emplace(id, address_of(*peer, id, server));
      }
    }
  }
  std::vector<Server> roster;
  roster.reserve(servers.size());
  for (auto& [id, address] : servers) roster.push_back({std::string(id), std::move(address)});
  return roster;
}

std::optional<std::string> DropIn::Impl::shown_address(std::string_view id) const {
  for (const Server& server : roster_for(Version::kV2)) {
    if (server.id == id) return server.address;
  }
  // Its registration is still on the way; a roster will show it so.
  if (version_of(id) == Version::kV2) return tunnel_to(id);
  return std::nullopt;
}

// A roster that lacks a server makes an app cut that server off, so none is given before every
// listed peer has told its servers, or was waited for long enough.
void DropIn::Impl::check_whole() {
  if (whole) return;
  const bool told =
      std::ranges::all_of(peers_by_key, [](const auto& item) { return item.second->told; });
  if (!(settled && told) && now < whole_deadline) return;
  whole = true;
  rosters_stale = true;
  if (settled && told) return;
  log(Action::Level::kWarn, "rosters begin without every peer",
      mesh_known ? "detail=\"a listed peer does not answer\""
                 : "detail=\"discovery does not answer\"");
}

// Each app, once a turn, what is new to it.
void DropIn::Impl::tell_rosters() {
  if (!whole || !rosters_stale) return;
  rosters_stale = false;
  const std::vector<Server> v1 = roster_for(Version::kV1);
  const std::vector<Server> v2 = roster_for(Version::kV2);
  std::vector<Conn*> stuck;  // clients that do not read
  for (const auto& [id, server] : own) {
    Conn* conn = find(server.conn);
    if (conn == nullptr || conn->state != Conn::State::kOpen) continue;
    const std::vector<Server>& roster = server.version == Version::kV1 ? v1 : v2;
    if (!conn->owes_update && conn->roster == roster) continue;
    conn->owes_update = false;
    conn->roster = roster;
    ++counters.updates;
    Buffer message;
    write_update(message, roster);
    ws::write_frame(conn->out.tail(message.size() + ws::kHeadBytesMax), conn->role,
                    ws::Opcode::kBinary, true, message);
    dirty(*conn);
    if (conn->out.size() > kDiscoveryBacklogBytesMax) stuck.push_back(conn);
  }
  for (Conn* conn : stuck) {
    counters.cut(CutReason::kNotRead);
    abort(*conn);
  }
}

}  // namespace socketmesh::dropin

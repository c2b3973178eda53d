// The other sidecars: what they say of their servers, and what becomes of these when they are away.
#include <algorithm>
#include <utility>

#include "sidecar/dropin/impl.hpp"

namespace socketmesh::dropin {

using Event = node::ChannelEvent;

void DropIn::Impl::send(const Peer& peer, const Buffer& payload, Bytes body) {
  if (peer.key) mesh.send(*peer.key, payload, body);
}

void DropIn::Impl::tell_peers(const Buffer& payload) {
  for (const auto& [key, peer] : peers_by_key) send(*peer, payload);
}

void DropIn::Impl::mesh_event(const node::ChannelEvents& events, const Event& event) {
  if (event.kind == Event::Kind::kStarted) return peer_started(event);
  const auto found = peers_by_key.find(event.peer);
  if (found == peers_by_key.end()) return;
  Peer& peer = *found->second;
  switch (event.kind) {
    case Event::Kind::kFrame:
      if (event.channel == node::Channel::kDropIn) peer_says(peer, events.payload(event));
      break;
    case Event::Kind::kLost:
      peer.lost_deadline = now + options.peer_timeout;
      wake_at(peer.lost_deadline);
      break;
    case Event::Kind::kLinked:
      peer.lost_deadline = kNever;
      peer.away = false;
      for (auto& [id, server] : peer.servers) {
        if (server.disowned) continue;
        server.hidden = false;
        stop_probing(id, peer.id);
      }
      rosters_stale = true;
      break;
    case Event::Kind::kGone:
      peer_gone(peer);
      break;
    case Event::Kind::kStarted:
      break;
  }
}

// Nothing that was said to it counts any more, so no tunnel with it can go on: the list that begins
// here tells the peer so.
void DropIn::Impl::peer_started(const Event& event) {
  if ((event.channels & node::channel_bit(node::Channel::kDropIn)) == 0) return;
  std::unique_ptr<Peer>& entry = peers[event.id];
  if (!entry) entry = std::make_unique<Peer>();
  Peer& peer = *entry;
  peer.id = event.id;
  if (peer.key) peers_by_key.erase(*peer.key);
  cut_tunnels(peer, CloseReason::kLinkReset, false);
  peer.key = event.peer;
  peers_by_key[event.peer] = &peer;
  send(peer, peer::begin(options.carry));
  for (const auto& [id, server] : own) send(peer, peer::server({id, announced(server)}));
  send(peer, peer::end());
}

// It is away for long. Its carried servers can't be reached; of the others each is looked at.
void DropIn::Impl::peer_lost(Peer& peer) {
  peer.away = true;
  cut_tunnels(peer, CloseReason::kLinkLost, true);
  for (auto& [id, server] : peer.servers) {
    if (is_direct(peer, server)) {
      probe(id, peer.id, false);
    } else {
      server.hidden = true;
    }
  }
  rosters_stale = true;
}

// It has left, or was given up. Servers that it still named when it left are of apps that live, or
// end with it: for as long as it may be back they stay, as when only the link is lost.
void DropIn::Impl::peer_gone(Peer& peer) {
  cut_tunnels(peer, CloseReason::kLinkLost, false);
  peers_by_key.erase(*peer.key);
  peer.key.reset();
  peer.told = false;
  peer.listing.reset();
  peer.lost_deadline = peer.away ? kNever : now + options.peer_timeout;
  wake_at(peer.lost_deadline);
  for (auto server = peer.servers.begin(); server != peer.servers.end();) {
    const bool stays = peer.lost_deadline != kNever && !is_direct(peer, server->second);
    server = stays || disown(peer, server->first, server->second) ? std::next(server)
                                                                  : peer.servers.erase(server);
  }
  rosters_stale = true;
  forget_if_empty(peer);
}

// It left, and is not back.
void DropIn::Impl::peer_forgotten(Peer& peer) {
  std::erase_if(peer.servers, [&](const auto& item) { return !item.second.disowned; });
  rosters_stale = true;
  forget_if_empty(peer);
}

// Nobody speaks for this server any more. One that apps reach directly may live, and must not be
// cut by an update then: true when it is looked at from now on.
bool DropIn::Impl::disown(Peer& peer, std::string_view id, FarServer& server) {
  if (!is_direct(peer, server) || server.hidden) {
    stop_probing(id, peer.id);
    return false;
  }
  server.disowned = true;
  probe(id, peer.id, true);
  return true;
}

void DropIn::Impl::forget_if_empty(Peer& peer) {
  if (peer.key || !peer.servers.empty()) return;
  const std::string id = peer.id;
  peers.erase(id);
}

void DropIn::Impl::peer_says(Peer& peer, Bytes payload) {
  const std::uint8_t type = payload.empty() ? 0 : payload.front();
  if (!payload.empty() && peer_says_good(peer, type, payload.subspan(1))) return;
  // A later version's, or a mistake: what else it says may still be good.
  log(Action::Level::kWarn, "a peer says what is not understood",
      "peer=\"" + peer.id + "\" type=" + std::to_string(type));
}

bool DropIn::Impl::peer_says_good(Peer& peer, std::uint8_t type, Bytes payload) {
  switch (type) {
    case peer::kData: {
      const auto data = peer::decode_data(payload);
      Tunnel* tunnel = data ? find_tunnel(peer, data->tunnel) : nullptr;
      if (tunnel != nullptr) to_app(*tunnel, *data);
      return data.has_value();
    }
    case peer::kCredit: {
      const auto credit = peer::decode_credit(payload);
      Tunnel* tunnel = credit ? find_tunnel(peer, credit->tunnel) : nullptr;
      // More than was sent is no credit.
      if (tunnel != nullptr)
        tunnel->credit = std::min(tunnel->credit + credit->bytes, kTunnelWindowBytes);
      return credit.has_value();
    }
    case peer::kBegin: {
      const auto begin = peer::decode_begin(payload);
      if (begin) listing_begins(peer, *begin);
      return begin.has_value();
    }
    case peer::kServer: {
      const auto server = peer::decode_server(payload);
      return server && far_server(peer, *server);
    }
    case peer::kGone: {
      const auto id = peer::decode_gone(payload);
      if (id) far_gone(peer, *id);
      return id.has_value();
    }
    case peer::kEnd:
      listing_ends(peer);
      return payload.empty();
    case peer::kOpen: {
      const auto open = peer::decode_open(payload);
      if (open) peer_opens(peer, *open);
      return open.has_value();
    }
    case peer::kOpened: {
      const auto number = peer::decode_opened(payload);
      if (number) peer_opened(peer, *number);
      return number.has_value();
    }
    case peer::kClose: {
      const auto close = peer::decode_close(payload);
      if (close) peer_closes(peer, *close);
      return close.has_value();
    }
    default:
      return false;
  }
}

// Its stream begins anew: what was on its way in tunnels is lost with it, so they end, here and, by
// word of it, there.
void DropIn::Impl::listing_begins(Peer& peer, const peer::Begin& begin) {
  cut_tunnels(peer, CloseReason::kLinkReset, true);
  peer.carries = begin.carries;
  peer.listing.emplace();
}

bool DropIn::Impl::far_server(Peer& peer, const peer::Server& said) {
  const auto version = version_of(said.id);
  const auto address = parse_address(said.address);
  if (!version || !address) return false;
  FarServers& servers = peer.listing ? *peer.listing : peer.servers;
  if (servers.size() >= kServersMax && !servers.contains(said.id)) return false;
  servers.insert_or_assign(std::string(said.id),
                           FarServer{*version, std::string(said.address), *address});
  if (peer.listing) return true;
  stop_probing(said.id, peer.id);
  supersede(said.id, *address);
  rosters_stale = true;
  return true;
}

// A port has one process: a server that nobody speaks for is dead when another one registers there.
void DropIn::Impl::supersede(std::string_view id, const Address& address) {
  for (const auto& [sidecar, peer] : peers) {
    std::erase_if(peer->servers, [&](const auto& item) {
      const FarServer& server = item.second;
      const bool same = server.address.host == address.host && server.address.port == address.port;
      if (!server.disowned || item.first == id || !same) return false;
      stop_probing(item.first, sidecar);
      return true;
    });
  }
}

void DropIn::Impl::listing_ends(Peer& peer) {
  if (!peer.listing) return;
  FarServers listing = std::move(*peer.listing);
  peer.listing.reset();
  for (auto& [id, server] : peer.servers) {
    if (listing.contains(id)) {
      stop_probing(id, peer.id);
    } else if (server.disowned || disown(peer, id, server)) {
      listing.emplace(id, server);
    }
  }
  peer.servers = std::move(listing);
  peer.told = true;
  peer.away = false;
  for (const auto& [id, server] : peer.servers) {
    if (!server.disowned) supersede(id, server.address);
  }
  rosters_stale = true;
}

void DropIn::Impl::far_gone(Peer& peer, std::string_view id) {
  FarServers& servers = peer.listing ? *peer.listing : peer.servers;
  const auto server = servers.find(id);
  if (server == servers.end()) return;
  stop_probing(id, peer.id);
  servers.erase(server);
  rosters_stale = true;
}

void DropIn::Impl::tick_peers() {
  std::vector<Peer*> forgotten;
  for (const auto& [id, peer] : peers) {
    if (peer->lost_deadline <= now) {
      peer->lost_deadline = kNever;
      peer->key ? peer_lost(*peer) : forgotten.push_back(peer.get());
    }
    wake_at(peer->lost_deadline);
  }
  for (Peer* peer : forgotten) peer_forgotten(*peer);
  std::vector<std::string> late;
  for (const auto& [id, server] : own) {
    if (server.deadline <= now) late.push_back(id);
    wake_at(server.deadline > now ? server.deadline : kNever);
  }
  for (const std::string& id : late) drop_own(id);
}

}  // namespace socketmesh::dropin

// Tunnels: a connection between an app here and an app behind a peer, from its opening to its end.
// A tunnel lives, or it ends on both sides; the end of one side follows what that side had sent.
#include <algorithm>
#include <array>
#include <utility>

#include "sidecar/dropin/impl.hpp"
#include "sidecar/dropin/websocket/upgrade.hpp"

namespace socketmesh::dropin {

namespace {

// The loopback address at which apps of this pod are dialled.
constexpr std::string_view kAppHost = "127.0.0.1";

int http_status(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNoServer:
      return 404;
    case CloseReason::kDialFailed:
      return 502;
    case CloseReason::kTimeout:
      return 504;
    default:
      return 503;
  }
}

const char* name_of(CloseReason reason) {
  return kCloseReasonNames.at(static_cast<std::size_t>(reason));
}

// Sixteen bytes that differ from call to call (splitmix64).
std::array<std::uint8_t, 16> nonce(std::uint64_t& seed) {
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111eb;
    wire::store(&bytes[at], mixed ^ (mixed >> 31U));
  }
  return bytes;
}

}  // namespace

// Both sides number the tunnels that they open; the lowest bit keeps them apart.
std::uint64_t DropIn::Impl::new_tunnel_number(const Peer& peer) {
  return 2 * next_number++ + (options.sidecar_id > peer.id ? 1 : 0);
}

Tunnel* DropIn::Impl::find_tunnel(const Peer& peer, std::uint64_t number) {
  const auto found = tunnels.find({*peer.key, number});
  return found == tunnels.end() ? nullptr : found->second.get();
}

// The peer through whose sidecar `id` is reached.
Peer* DropIn::Impl::carrier_of(std::string_view id) const {
  for (const auto& [key, peer] : peers_by_key) {
    const auto server = peer->servers.find(id);
    if (server == peer->servers.end() || server->second.disowned) continue;
    if (!is_direct(*peer, server->second)) return peer;
  }
  return nullptr;
}

void DropIn::Impl::open_tunnel(Conn& conn, std::string_view server) {
  Peer* peer = carrier_of(server);
  if (peer == nullptr) {
    counters.close(CloseReason::kNoServer);
    return refuse(conn, http_status(CloseReason::kNoServer), "no such server is carried");
  }
  if (tunnels.size() >= kTunnelsMax || peer->tunnels >= kTunnelsPerPeerMax || leaving) {
    counters.close(CloseReason::kLimit);
    return refuse(conn, http_status(CloseReason::kLimit), "too many tunnels");
  }
  if (mesh.backlog(*peer->key) == SIZE_MAX) {
    counters.close(CloseReason::kLinkLost);
    return refuse(conn, http_status(CloseReason::kLinkLost), "its sidecar is away");
  }
  auto tunnel = std::make_unique<Tunnel>();
  tunnel->key = {*peer->key, new_tunnel_number(*peer)};
  tunnel->peer = peer;
  tunnel->server = server;
  tunnel->opened_here = true;
  tunnel->conn = &conn;
  tunnel->deadline = now + kOpenTimeout;
  wake_at(tunnel->deadline);
  conn.tunnel = tunnel.get();
  conn.state = Conn::State::kOpening;
  conn.deadline = kNever;
  ++peer->tunnels;
  send(*peer, peer::open({tunnel->key.number, server}));
  tunnels.emplace(tunnel->key, std::move(tunnel));
}

void DropIn::Impl::refuse_open(Peer& peer, std::uint64_t number, CloseReason reason) {
  counters.close(reason);
  send(peer, peer::close({number, static_cast<std::uint8_t>(reason), 0, ""}));
}

void DropIn::Impl::peer_opens(Peer& peer, const peer::Open& open) {
  const auto server = own.find(open.server);
  const bool theirs = (open.tunnel & 1U) == (peer.id > options.sidecar_id ? 1U : 0U);
  if (!theirs || find_tunnel(peer, open.tunnel) != nullptr) return;
  if (server == own.end() || server->second.version != Version::kV2 || !options.carry)
    return refuse_open(peer, open.tunnel, CloseReason::kNoServer);
  if (tunnels.size() >= kTunnelsMax || peer.tunnels >= kTunnelsPerPeerMax || leaving)
    return refuse_open(peer, open.tunnel, CloseReason::kLimit);
  auto tunnel = std::make_unique<Tunnel>();
  tunnel->key = {*peer.key, open.tunnel};
  tunnel->peer = &peer;
  tunnel->server = open.server;
  tunnel->expects_hello = true;
  tunnel->dial = next_number++;
  ++peer.tunnels;
  dials[tunnel->dial] = tunnel->key;
  Action action;
  action.kind = Action::Kind::kDial;
  action.number = tunnel->dial;
  action.port = server->second.address.port;
  actions.push_back(std::move(action));
  tunnels.emplace(tunnel->key, std::move(tunnel));
}

void DropIn::Impl::app_dialed(Tunnel& tunnel, ConnId id) {
  tunnel.dial = 0;
  const auto server = own.find(tunnel.server);
  open(id, Conn::Kind::kToApp);
  Conn& conn = *find(id);
  conn.tunnel = &tunnel;
  tunnel.conn = &conn;
  if (server == own.end()) return cut_tunnel(tunnel, CloseReason::kNoServer);
  conn.ws_key = ws::key_of(nonce(options.seed));
  const Address& address = server->second.address;
  conn.out.append(ws::request(std::string(kAppHost) + ":" + std::to_string(address.port),
                              address.path.empty() ? "/" : address.path, conn.ws_key));
  dirty(conn);
}

// What the app answers to the request that begins a WebSocket.
void DropIn::Impl::app_answered(Conn& conn) {
  const ws::UpgradeResponse response = ws::read_response(conn.head, conn.ws_key);
  if (response.is == ws::UpgradeRequest::Is::kPartial) return;
  Tunnel& tunnel = *conn.tunnel;
  if (response.is == ws::UpgradeRequest::Is::kBad) {
    log(Action::Level::kWarn, "app refuses a peer",
        "server=\"" + tunnel.server + "\" detail=\"" + response.problem + "\"");
    return cut_tunnel(tunnel, CloseReason::kDialFailed);
  }
  conn.state = Conn::State::kOpen;
  conn.deadline = kNever;
  tunnel.open = true;
  ++counters.tunnels_opened;
  send(*tunnel.peer, peer::opened(tunnel.key.number));
  // It may have spoken right behind its answer.
  const Buffer head = std::exchange(conn.head, {});
  const Bytes rest = Bytes(head).subspan(response.used);
  if (!rest.empty()) frames(conn, rest);
}

void DropIn::Impl::peer_opened(Peer& peer, std::uint64_t number) {
  Tunnel* tunnel = find_tunnel(peer, number);
  if (tunnel == nullptr || !tunnel->opened_here || tunnel->open || tunnel->conn == nullptr) return;
  tunnel->open = true;
  tunnel->deadline = kNever;
  ++counters.tunnels_opened;
  answer_upgrade(*tunnel->conn);
}

void DropIn::Impl::say_closed(const Tunnel& tunnel, CloseReason reason, std::uint16_t code,
                              std::string_view text) {
  // 1005 is never on the wire of a WebSocket, but between sidecars it tells a close frame without a
  // code from no close frame.
  send(*tunnel.peer,
       peer::close({tunnel.key.number, static_cast<std::uint8_t>(reason), code, text}));
}

void DropIn::Impl::peer_closes(Peer& peer, const peer::Close& close) {
  Tunnel* tunnel = find_tunnel(peer, close.tunnel);
  if (tunnel == nullptr) return;
  const bool known = close.reason < static_cast<std::uint8_t>(CloseReason::kCount);
  const auto reason = known ? static_cast<CloseReason>(close.reason) : CloseReason::kAppLost;
  const bool good = close.code == ws::kNoCode || ws::is_close_code(close.code);
  counters.close(reason);
  end_at_app(*tunnel, reason, good ? close.code : 0, close.text);
}

// The app's connection is over, or about to be: the peer is told behind what the app had said.
void DropIn::Impl::app_ends(Conn& conn, CloseReason reason, std::uint16_t code,
                            std::string_view text) {
  Tunnel& tunnel = *conn.tunnel;
  conn.tunnel = nullptr;
  tunnel.conn = nullptr;
  counters.close(reason);
  tunnel.ending = Ending{reason, code, std::string(text)};
  if (tunnel.waiting.empty()) say_ending(tunnel);
}

void DropIn::Impl::say_ending(Tunnel& tunnel) {
  say_closed(tunnel, tunnel.ending->reason, tunnel.ending->code, tunnel.ending->text);
  erase(tunnel);
}

// Ends a tunnel at once, whatever waits in it.
void DropIn::Impl::cut_tunnel(Tunnel& tunnel, CloseReason reason) {
  log(Action::Level::kInfo, "tunnel cut",
      "server=\"" + tunnel.server + "\" peer=\"" + tunnel.peer->id +
          "\" reason=" + name_of(reason));
  counters.close(reason);
  say_closed(tunnel, reason, ws::kGoingAway, name_of(reason));
  end_at_app(tunnel, reason, ws::kGoingAway, name_of(reason));
}

void DropIn::Impl::cut_tunnels(const Peer& peer, CloseReason reason, bool tell) {
  std::vector<Tunnel*> cut;
  for (const auto& [key, tunnel] : tunnels) {
    if (tunnel->peer == &peer) cut.push_back(tunnel.get());
  }
  if (cut.empty()) return;
  log(Action::Level::kWarn, "tunnels cut",
      "peer=\"" + peer.id + "\" tunnels=" + std::to_string(cut.size()) +
          " reason=" + name_of(reason));
  for (Tunnel* tunnel : cut) {
    counters.close(reason);
    if (tell) say_closed(*tunnel, reason, ws::kGoingAway, name_of(reason));
    end_at_app(*tunnel, reason, ws::kGoingAway, name_of(reason));
  }
}

// The app's side of an end that came from elsewhere. Code 0: its connection just breaks.
void DropIn::Impl::end_at_app(Tunnel& tunnel, CloseReason reason, std::uint16_t code,
                              std::string_view text) {
  Conn* conn = tunnel.conn;
  const std::string words(text);  // may be the tunnel's
  erase(tunnel);
  if (conn == nullptr) return;
  if (conn->state == Conn::State::kOpening) {
    refuse(*conn, http_status(reason), name_of(reason));
  } else if (conn->state == Conn::State::kUpgrading) {
    abort(*conn);
  } else {
    say_close(*conn, code, words);
  }
}

void DropIn::Impl::erase(Tunnel& tunnel) {
  if (tunnel.conn != nullptr) tunnel.conn->tunnel = nullptr;
  tunnel.conn = nullptr;
  if (tunnel.dial != 0) dials.erase(tunnel.dial);
  --tunnel.peer->tunnels;
  const auto found = tunnels.find(tunnel.key);
  ended_tunnels.push_back(std::move(found->second));
  tunnels.erase(found);
}

void DropIn::Impl::tick_tunnels() {
  std::vector<Tunnel*> late;
  for (const auto& [key, tunnel] : tunnels) {
    if (tunnel->deadline <= now) {
      late.push_back(tunnel.get());
    } else {
      wake_at(tunnel->deadline);
    }
  }
  for (Tunnel* tunnel : late) cut_tunnel(*tunnel, CloseReason::kTimeout);
}

}  // namespace socketmesh::dropin

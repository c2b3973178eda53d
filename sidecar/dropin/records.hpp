// The records that drop-in keeps of connections, servers, peers and tunnels. Plain data; the rules
// are in its parts.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/dropin/dropin.hpp"
#include "sidecar/dropin/out_queue.hpp"
#include "sidecar/dropin/websocket/frames.hpp"
#include "sidecar/dropin/wire/messages.hpp"

namespace socketmesh::dropin {

struct Tunnel;

struct Conn {
  enum class Kind : std::uint8_t { kDiscovery, kFromApp, kToApp };
  enum class State : std::uint8_t {
    kUpgrading,  // HTTP
    kOpening,    // of kFromApp: waits for the far app
    kOpen,
    kDraining,  // says its last
  };
  Conn(ConnId name, Kind what, std::size_t message_bytes_max)
      : id(name),
        kind(what),
        role(what == Kind::kToApp ? ws::Role::kClient : ws::Role::kServer),
        parser(role, message_bytes_max) {}

  ConnId id;
  Kind kind;
  ws::Role role;
  State state = State::kUpgrading;
  ws::Parser parser;
  OutQueue out;
  Buffer head;         // of HTTP, not complete yet
  std::string ws_key;  // its Sec-WebSocket-Key
  TimeUs deadline = kNever;
  bool paused = false;

  // kDiscovery:
  TimeUs ping_due = kNever;
  bool awaits_pong = false;
  Buffer message;              // not complete yet
  std::string server;          // registered here; empty: none
  std::vector<Server> roster;  // as it was told last
  bool owes_update = false;    // it registered, and was not answered yet

  // The others:
  Tunnel* tunnel = nullptr;  // null: ended
};

// A server of this pod.
struct OwnServer {
  Version version = Version::kV2;
  std::string registered;  // its address, as it says
  Address address;
  ConnId conn = 0;           // to discovery; 0: lost, and it counts while it accepts connections
  TimeUs deadline = kNever;  // for a v2 app to register again
};

// A server behind another sidecar.
struct FarServer {
  Version version = Version::kV2;
  std::string registered;
  Address address;
  bool disowned = false;  // no sidecar speaks for it any more; it counts while it accepts
  bool hidden = false;    // its sidecar is away, and it can't be reached; not in rosters
};
using FarServers = std::map<std::string, FarServer, std::less<>>;

// Another sidecar. Kept while it is known to the mesh, or has servers that no other speaks for.
struct Peer {
  std::string id;
  std::optional<PeerKey> key;  // none: gone
  bool carries = false;
  bool told = false;                  // its list of servers is complete
  bool away = false;                  // no link for Options::peer_timeout
  TimeUs lost_deadline = kNever;      // for it to be back
  std::optional<FarServers> listing;  // its list so far
  FarServers servers;
  std::size_t tunnels = 0;
};

struct TunnelKey {
  PeerKey peer = 0;
  std::uint64_t number = 0;
  auto operator<=>(const TunnelKey&) const = default;
};
struct TunnelKeyHash {
  std::size_t operator()(const TunnelKey& key) const {
    return std::hash<std::uint64_t>()((key.number << 20U) ^ key.peer);
  }
};

// What a tunnel has for its peer and may not send yet.
struct Piece {
  Buffer bytes;
  std::size_t at = 0;  // sent bytes
  bool last = false;
  bool text = false;
};

// The end of a tunnel, behind what waits in it.
struct Ending {
  CloseReason reason = CloseReason::kAppClosed;
  std::uint16_t code = 0;
  std::string text;
};

struct Tunnel {
  TunnelKey key;
  Peer* peer = nullptr;
  std::string server;
  bool opened_here = false;
  bool open = false;
  Conn* conn = nullptr;
  std::uint64_t dial = 0;  // under way; 0 none
  TimeUs deadline = kNever;

  std::size_t credit = kTunnelWindowBytes;  // bytes that may be sent
  std::deque<Piece> waiting;
  std::size_t waiting_bytes = 0;
  std::optional<Ending> ending;
  bool in_ring = false;

  std::size_t unsettled = 0;  // bytes received that were not given back as credit
  bool in_message = false;    // towards the app
  bool expects_hello = false;
  Buffer hello;
};

// A process that is looked at, as nothing tells of its death.
struct Probe {
  std::string server;
  std::string peer;  // empty: of this pod
  TimeUs due = 0;
  int made = 0;
  int failures = 0;
  bool under_way = false;
};

}  // namespace socketmesh::dropin

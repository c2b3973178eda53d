// What drop-in counts, and a picture of it at one moment. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sidecar/dropin/wire/messages.hpp"

namespace socketmesh::dropin {

// Why a tunnel ended, or was not made. The order is that of kCloseReasonNames; values are sent to
// peers.
enum class CloseReason : std::uint8_t {
  kAppClosed,   // an app closed its connection
  kAppLost,     // an app's connection broke
  kNoServer,    // nobody of that id is registered
  kDialFailed,  // the app does not accept
  kLimit,       // too many tunnels
  kProtocol,    // an app broke the WebSocket protocol
  kTooBig,      // a message over kMessageBytesMax
  kBadHello,    // a hello over kMessageHeadBytesMax
  kLinkLost,    // no link to the peer for link.peer_timeout
  kLinkReset,   // the peer's sidecar, or the stream between, began anew
  kCredit,      // the peer sent more than it may
  kTimeout,     // the far app took too long to answer
  kNotRead,     // an app does not read what is for it
  kLeaving,     // the sidecar ends
  kCount,
};
inline constexpr std::array<const char*, static_cast<std::size_t>(CloseReason::kCount)>
    kCloseReasonNames = {"app_closed", "app_lost", "no_server", "dial_failed", "limit",
                         "protocol",   "too_big",  "bad_hello", "link_lost",   "link_reset",
                         "credit",     "timeout",  "not_read",  "leaving"};

// Why a connection to the discovery port was cut.
enum class CutReason : std::uint8_t {
  kBadRequest,    // no WebSocket
  kProtocol,      // broken frames
  kBadMessage,    // no message of the discovery protocol
  kBadServer,     // an id or an address that can't be
  kUnauthorized,  // another token
  kNoPong,
  kNotRead,
  kLimit,
  kReplaced,  // the server registered again, on another connection
  kCount,
};
inline constexpr std::array<const char*, static_cast<std::size_t>(CutReason::kCount)>
    kCutReasonNames = {"bad_request", "protocol", "bad_message", "bad_server", "unauthorized",
                       "no_pong",     "not_read", "limit",       "replaced"};

struct Counters {
  std::uint64_t registrations = 0;
  std::uint64_t updates = 0;  // rosters sent to apps
  std::uint64_t tunnels_opened = 0;
  std::uint64_t messages_in = 0;  // from this pod's apps, into tunnels
  std::uint64_t bytes_in = 0;
  std::uint64_t messages_out = 0;  // to this pod's apps
  std::uint64_t bytes_out = 0;
  std::uint64_t hellos_rewritten = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(CloseReason::kCount)> closed{};
  std::array<std::uint64_t, static_cast<std::size_t>(CutReason::kCount)> cuts{};

  void close(CloseReason reason) { ++closed.at(static_cast<std::size_t>(reason)); }
  void cut(CutReason reason) { ++cuts.at(static_cast<std::size_t>(reason)); }
};

struct ServerStatus {
  std::string id;
  Version version = Version::kV2;
  std::string sidecar;  // empty: of this pod
  std::string address;  // as apps here see it; of an own one, as it registered
  // False: its connection to discovery, or its sidecar, is away; it counts while its process lives.
  bool attached = true;
};

struct TunnelStatus {
  std::uint64_t number = 0;  // with one peer, never used twice in a life
  std::string server;        // the far one for tunnels of own apps, the own one else
  std::string peer;          // sidecar
  bool opened_here = false;
  bool open = false;
  std::uint64_t waiting_bytes = 0;  // in this sidecar, both ways
};

struct Status {
  bool carries = true;  // else direct
  bool whole = false;   // apps get rosters
  std::vector<ServerStatus> servers;
  std::vector<TunnelStatus> tunnels;
  std::uint64_t restart_needed = 0;  // v1 apps that hear nothing of new servers
};

}  // namespace socketmesh::dropin

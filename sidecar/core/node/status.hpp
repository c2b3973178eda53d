// A picture of a node at one moment, for /status, the dashboard and tests. Plain values; no
// reference into the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace socketmesh::node {

struct MemberStatus {
  std::string id;    // 16 hex digits
  std::string name;  // host:pid
  std::string sidecar;
  std::string parser;
  bool local = false;
  bool up = false;  // false: its sidecar is away and it is waited for
  std::vector<std::string> namespaces;
  // Local members only:
  std::uint64_t rooms = 0;          // (namespace, room) pairs with a local socket
  std::uint64_t messages_in = 0;    // published by it
  std::uint64_t messages_out = 0;   // delivered to it
  std::uint64_t queue_bytes = 0;    // waiting to be written to it
  std::uint64_t untaken = 0;        // written but not taken yet, messages
  std::int64_t round_trip_us = -1;  // its event loop included; -1 unknown
};

struct LinkStatus {
  std::string peer;     // sidecar id
  std::string address;  // dialled or remote address
  std::string state;    // "linked", "connecting" (handshake), "parked" (lost, waited for)
  bool dialed = false;
  std::uint64_t peer_epoch = 0;
  std::int64_t round_trip_us = -1;
  std::int64_t since_us = 0;  // in this state for so long
  std::uint64_t members = 0;
  std::uint64_t interest = 0;  // hashes
  std::uint64_t messages_out = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t window_bytes = 0;   // kept until taken
  std::uint64_t backlog_bytes = 0;  // not yet written
  std::uint64_t retransmits = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t dropped = 0;  // messages, all reasons
};

struct AddressStatus {
  std::string address;
  std::string state;  // "self", "linked", "dialing", "waiting"
  std::string peer;   // sidecar id once known
  std::string last_error;
};

struct NamespaceStatus {
  std::string name;
  std::uint64_t members = 0;  // present in it, over the whole mesh
};

// Absent where recovery is off.
struct RecoveryStatus {
  std::uint64_t sessions = 0;
  std::uint64_t away = 0;  // of them without a socket
  std::uint64_t homes = 0;
  std::uint64_t orphans = 0;  // of them without a member
  std::uint64_t log_bytes = 0;
  std::int64_t log_age_us = 0;  // of the oldest message
  // Copies of the homes here, at peers: all there; not yet, or their link is away; given up for the
  // moment because the peer took too little. `replicas` are wanted of each home.
  std::uint64_t replicas = 0;
  std::uint64_t copies_whole = 0;
  std::uint64_t copies_catching_up = 0;
  std::uint64_t copies_shed = 0;
  // Copies here of homes elsewhere.
  std::uint64_t held_homes = 0;
  std::uint64_t held_sessions = 0;
  std::uint64_t held_bytes = 0;
};

struct Status {
  std::string mesh;
  std::string sidecar_id;
  std::uint64_t epoch = 0;
  std::int64_t uptime_us = 0;
  bool leaving = false;
  bool addresses_known = false;       // discovery answered at least once
  std::uint64_t interest_local = 0;   // distinct hashes of own members
  std::uint64_t interest_remote = 0;  // (hash, peer) pairs
  std::vector<MemberStatus> members;
  std::vector<LinkStatus> links;
  std::vector<AddressStatus> addresses;
  std::vector<NamespaceStatus> namespaces;
  std::optional<RecoveryStatus> recovery;
};

}  // namespace socketmesh::node

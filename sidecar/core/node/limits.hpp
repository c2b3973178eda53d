// Every bound of the core in one place, with its unit. Values from the configuration are copied in
// by the shell; the others are fixed because nothing is gained by turning them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace socketmesh::node {

// Microseconds on a monotonic clock that the shell (or the simulator) owns.
using TimeUs = std::int64_t;

inline constexpr TimeUs kMillisecondUs = 1000;
inline constexpr TimeUs kSecondUs = 1000 * kMillisecondUs;
inline constexpr TimeUs kNever = INT64_MAX;

// A peer that was given up with losses is remembered for so many hold times, to declare them if it
// returns.
inline constexpr int kTombstoneHolds = 10;

struct Limits {
  // Bytes of one slot (peer sidecar) that are kept until taken; beyond it the oldest data is
  // dropped and declared.
  std::size_t link_window_bytes = 64U << 20U;
  // Bytes waiting to be written to a destination above which volatile messages are shed.
  std::size_t volatile_backlog_bytes = 1U << 20U;
  // Bytes waiting to be written to one member; beyond it the oldest data is dropped and declared.
  std::size_t member_queue_bytes = 64U << 20U;
  // Control frames waiting for one peer; beyond it the link is cut and starts anew with a snapshot.
  std::size_t control_backlog_bytes = 32U << 20U;
  // (namespace, room) pairs one peer, or one member, may declare.
  std::size_t interest_entries = 4U << 20U;
  // Namespaces one member may be present in.
  std::size_t namespaces_per_member = 10'000;
  // Members attached to one sidecar; it keeps sessions of twice as many, those taken over included.
  std::size_t members = 256;
  // Connections that have not finished their handshake.
  std::size_t handshaking_connections = 256;
  // Peers (slots) that one sidecar keeps.
  std::size_t peers = 4096;
  // Awaited joins of one member that have not been answered.
  std::size_t pending_syncs = 65'536;
  // socketsJoin() requests whose rooms are provisional interest.
  std::size_t provisional_joins = 65'536;

  // Recovery: how long a disconnected session and a message are kept (0: recovery is off), and the
  // memory of all logs together.
  TimeUs recovery_window = 0;
  std::size_t recovery_memory_bytes = 64U << 20U;
  // Other sidecars that keep a copy of each home.
  std::size_t recovery_replicas = 0;

  TimeUs handshake_timeout = 3 * kSecondUs;
  TimeUs ping_interval = 1 * kSecondUs;
  TimeUs idle_timeout = 3 * kSecondUs;
  TimeUs peer_timeout = 3 * kSecondUs;
  TimeUs hold_time = 30 * kSecondUs;
  // A sidecar that stood still for so long (stopped, starved) takes what its members have sent
  // before it takes anything from peers, and gives members so long to attach again: more than the
  // adapter's longest pause between two attempts.
  TimeUs still_time = 3 * kSecondUs;
  TimeUs return_time = 750 * kMillisecondUs;
  TimeUs sync_timeout = 1 * kSecondUs;
  // An acknowledgement that nobody waits for rides on other traffic, or goes alone after so long;
  // or after ack_bytes.
  TimeUs ack_delay = 100 * kMillisecondUs;
  TimeUs redial_min = 20 * kMillisecondUs;
  TimeUs redial_max = 1 * kSecondUs;
  // Received data bytes after which an acknowledgement is not delayed any more.
  std::size_t ack_bytes = 256U << 10U;
  // A record (link) or chunk (member) is closed when it has reached this many bytes.
  std::size_t chunk_bytes = 64U << 10U;
};

}  // namespace socketmesh::node

// Plain counters of the core; the shell turns them into metrics. All are totals since start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/histogram.hpp"
#include "sidecar/core/wire/recovery_frames.hpp"

namespace socketmesh::node {

// Why a connection was cut, or refused. The order is that of kCutReasonNames.
enum class CutReason : std::uint8_t {
  kNone,
  kBadFrame,
  kOversizedFrame,
  kUnknownType,
  kVersion,
  kMeshName,
  kParser,
  kHandshakeTimeout,
  kIdleTimeout,
  kSequenceHole,
  kStaleEpoch,
  kDuplicateLink,
  kSelf,
  kInterestFlood,
  kLimit,
  kControlBacklog,
  kDuplicateMember,
  kForeignOrigin,
  kLeaving,
  kRecovery,
  kCount,
};
inline constexpr std::array<const char*, static_cast<std::size_t>(CutReason::kCount)>
    kCutReasonNames = {"none",
                       "bad_frame",
                       "oversized_frame",
                       "unknown_type",
                       "version",
                       "mesh_name",
                       "parser",
                       "handshake_timeout",
                       "idle_timeout",
                       "sequence_hole",
                       "stale_epoch",
                       "duplicate_link",
                       "self",
                       "interest_flood",
                       "limit",
                       "control_backlog",
                       "duplicate_member",
                       "foreign_origin",
                       "leaving",
                       "recovery"};

// Why messages did not reach a destination. The order is that of kDropReasonNames.
enum class DropReason : std::uint8_t {
  kVolatile,      // shed because the destination had a backlog
  kMemberQueue,   // the member did not read; declared to it
  kLinkWindow,    // the peer did not take; declared to it
  kHoldEnded,     // the peer did not come back in time
  kStreamLost,    // a stream ended with messages that could not be sent again
  kNoSuchMember,  // unicast to a member that is gone
  kCount,
};
inline constexpr std::array<const char*, static_cast<std::size_t>(DropReason::kCount)>
    kDropReasonNames = {"volatile",   "member_queue", "link_window",
                        "hold_ended", "stream_lost",  "no_such_member"};

// How a takeover went: the copy became the home, or was given up, perhaps afterwards. The order is
// that of kTakeoverResultNames.
enum class TakeoverResult : std::uint8_t {
  kWhole,
  kGap,      // somebody had not kept all that was under way
  kVoid,     // the lost sidecar had said that this copy counts no more
  kAlive,    // that sidecar lives
  kTimeout,  // not all could be asked in time
  kCount,
};
inline constexpr std::array<const char*, static_cast<std::size_t>(TakeoverResult::kCount)>
    kTakeoverResultNames = {"whole", "gap", "void", "alive", "timeout"};

// Upper bounds of Counters::copy_lag, microseconds.
inline constexpr std::uint64_t kCopyLagBoundsUs[] = {
    100,   200,    300,    500,    750,     1'000,   1'500,   2'000,    3'000,
    5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000};

struct Counters {
  // Apps
  std::uint64_t app_messages_in = 0;  // DATA frames published by members
  std::uint64_t app_bytes_in = 0;
  std::uint64_t app_messages_out = 0;  // DATA frames queued for members
  std::uint64_t app_bytes_out = 0;
  std::uint64_t attachments = 0;
  std::uint64_t requests_routed = 0;
  std::uint64_t syncs = 0;
  std::uint64_t syncs_incomplete = 0;  // awaited joins that a peer did not acknowledge
  // Links
  std::uint64_t link_messages_out = 0;
  std::uint64_t link_bytes_out = 0;  // bytes written to link connections
  std::uint64_t link_messages_in = 0;
  std::uint64_t link_bytes_in = 0;
  std::uint64_t link_records_out = 0;  // messages_out / records_out is the batch size
  std::uint64_t link_duplicates = 0;   // frames received again and dropped
  std::uint64_t link_retransmits = 0;  // frames written again
  std::uint64_t links_opened = 0;      // handshakes finished
  std::uint64_t links_lost = 0;
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t window_forgotten =
      0;  // frames freed before they were taken; lost only if that sidecar dies
  // Routing
  std::uint64_t messages_unrouted = 0;  // publishes that nobody was interested in
  std::uint64_t fanout = 0;             // destinations over all publishes
  std::uint64_t interest_changes = 0;   // adds and removes received from members and peers
  std::uint64_t gaps_declared = 0;
  std::uint64_t provisional_joins = 0;
  // Recovery
  std::uint64_t sessions_recovered = 0;
  std::uint64_t messages_replayed = 0;
  std::uint64_t copied_bytes = 0;  // told to shadows
  std::uint64_t copies_shed = 0;   // given up because the shadow took too little
  // From a change at a home here until its shadow's word that it has it, microseconds; sampled.
  Histogram copy_lag{kCopyLagBoundsUs};
  std::array<std::uint64_t, static_cast<std::size_t>(TakeoverResult::kCount)> takeovers{};
  std::array<std::uint64_t, wire::recovery::kResults> sessions_refused{};  // by Result
  std::array<std::uint64_t, static_cast<std::size_t>(CutReason::kCount)> cuts{};
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)> drops{};

  void cut(CutReason reason) { ++cuts.at(static_cast<std::size_t>(reason)); }
  void takeover(TakeoverResult result) { ++takeovers.at(static_cast<std::size_t>(result)); }
  void drop(DropReason reason, std::uint64_t messages) {
    drops.at(static_cast<std::size_t>(reason)) += messages;
  }
};

}  // namespace socketmesh::node

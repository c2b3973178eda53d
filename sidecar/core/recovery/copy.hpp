// What a home tells its shadows: the same that it is told itself, in the same order, so that a copy
// is the home as it was when the last record that arrived was written. Pure; not thread-safe.
//
// A record is u8 kind and what the kind has; see docs/protocol.md. Positions of the log are the
// same in a home and in its copies; times are not told but for messages of the past.
#pragma once

#include <utility>

#include "sidecar/core/recovery/log.hpp"
#include "sidecar/core/wire/shadow_frames.hpp"

namespace socketmesh::recovery {

class Session;

// Of whole frames.
std::uint32_t count_frames(wire::Bytes frames);

enum class CopyKind : std::uint8_t {
  kBegin = 1,        // u64 first position of the log
  kLog = 2,          // u64 position · u32 bytes · { u64 age (us) · u32 bytes · frame or nothing }
  kState = 3,        // see CopyState
  kSession = 4,      // u8 connected · u32 bytes · an ADOPT_SESSION frame
  kReady = 5,        // nothing: the copy is whole
  kEndOfCopy = 6,    // nothing: it is not wanted any more
  kCursor = 7,       // string sidecar · u64 epoch · u32 stream · u64 seq
  kQueued = 8,       // u64 number of the last · u32 bytes · frames
  kQueuedGap = 9,    // u64 number
  kDelivered = 10,   // u64 count
  kPublished = 11,   // u32 bytes · frames
  kArrived = 12,     // u32 bytes · frames
  kGap = 13,         // nothing
  kAttached = 14,    // u16 attachment · marks
  kDetached = 15,    // nothing
  kRooms = 16,       // u8 joined · string nsp · string sid · string room
  kData = 17,        // string nsp · string sid · string value
  kClosed = 18,      // string nsp · string sid
  kEnded = 19,       // string nsp · string sid
  kLast = 20,        // string nsp · string sid · string offset
  kAllWritten = 21,  // nothing
  kLent = 22,        // string nsp · string sid · u64 position
  kAsk = 23,         // nothing: that it is here is to be said at once
  kPeerAway = 24,    // string sidecar: its link is lost, and all that came over it is told
};

// What a home knows beside its log and its sessions.
struct CopyState {
  bool attached = false;
  std::uint16_t attachment = 0;
  Position told_end = 0;
  Position cut = 0;
  Position after = 0;
  wire::recovery::Members suspects;
  wire::recovery::Marks seen;
};

// Bytes of records that go into one COPY. A single record, and a frame in it, may be longer: as
// long as a frame can be.
inline constexpr std::size_t kCopyPieceBytes = 1U << 20U;

// Appends records to a buffer, in pieces for one COPY each.
class CopyNotes {
 public:
  void begin(Position head);
  // `entries` are { u64 age · u32 bytes · frame }, as in ADOPT_LOG.
  void log(Position first, wire::Bytes entries);
  void state(const CopyState& state);
  void session(bool connected, wire::Bytes frame);
  // A piece.
  void raw(wire::Bytes records) { out_.insert(out_.end(), records.begin(), records.end()); }
  void plain(CopyKind kind);
  void number(CopyKind kind, std::uint64_t value);
  void frames(CopyKind kind, wire::Bytes frames);
  void queued(std::uint64_t last, wire::Bytes frames);
  void cursor(std::string_view sidecar, const wire::recovery::Cursor& cursor);
  void peer_away(std::string_view sidecar);
  void attached(std::uint16_t attachment, const wire::recovery::Marks& taken);
  void rooms(const Session& session, bool joined, std::string_view room);
  void about(CopyKind kind, const Session& session);
  void about(CopyKind kind, const Session& session, std::string_view text);
  void lent(const Session& session, Position position);

  bool empty() const { return out_.empty() && full_.empty(); }
  std::vector<wire::Buffer> take();

 private:
  // A record with about so many bytes; of a session, behind its names.
  wire::Writer start(CopyKind kind, std::size_t bytes = 0);
  wire::Writer start(CopyKind kind, const Session& session, std::size_t bytes = 0);
  std::vector<wire::Buffer> full_;
  wire::Buffer out_;
};

}  // namespace socketmesh::recovery

// Recovery's frames: what members tell of their sessions, and what sidecars tell each other to move
// one. Decoders return nothing for a malformed payload; views point into it. See docs/protocol.md.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "sidecar/core/wire/data_frame.hpp"

namespace socketmesh::wire::recovery {

// Bytes at the end of the body of frames with kLogged or kHome.
inline constexpr std::size_t kOrderBytes = 8;

// Positions of logs, and ages of messages (microseconds), that others tell are not above these, so
// that none can overflow.
inline constexpr std::uint64_t kPositionMax = UINT64_MAX / 4;
inline constexpr std::uint64_t kAgeMaxUs = INT64_MAX / 4;

// When a member published: on which of its attachments, and after how many deliveries of it.
struct Order {
  std::uint16_t attachment = 0;
  std::uint64_t delivered = 0;
};

enum class Op : std::uint8_t {
  kOpen = 1,
  kJoin = 2,
  kLeave = 3,
  kData = 4,
  kClose = 5,
  kEnd = 6,
  kLast = 7,
  kRestore = 8,
  kAllWritten = 9,
};

// Why a session is not restored; kAgain is between sidecars only.
enum class Result : std::uint8_t {
  kRestored = 0,
  kUnknownSession = 1,
  kUnknownOffset = 2,
  kEvicted = 3,
  kGap = 4,
  kTimeout = 5,
  kUnprovable = 6,
  kLimit = 7,
  kAgain = 8,
  kSuperseded = 9,
};
inline constexpr std::size_t kResults = 10;
inline constexpr std::array<const char*, kResults> kResultNames = {
    "restored", "unknown_session", "unknown_offset", "evicted", "gap",
    "timeout",  "unprovable",      "limit",          "again",   "superseded"};

enum AppType : std::uint8_t { kRestored = 0x30, kReplay = 0x31, kCloseSession = 0x32 };

enum LinkType : std::uint8_t {
  kFind = 0x41,
  kFound = 0x42,
  kBarrier = 0x43,
  kPass = 0x44,
  kLinkReplay = 0x45,
  kReplayed = 0x46,
  kMoved = 0x47,
  kFetch = 0x48,
  kAdopt = 0x49,
  kAdoptSession = 0x4a,
  kAdoptReady = 0x4b,
  kAdoptFetch = 0x4c,
  kAdoptLog = 0x4d,
  kAdoptEnd = 0x4e,
  kAdopted = 0x4f,
};

// Whether a link frame is said again when the stream that it was lost with begins anew. Not what
// tells that data published before lies before it: that data may be held by then. Who waits for
// one of those asks again.
inline bool outlives_stream(std::uint8_t type) {
  const bool fences = type == kPass || type == kFetch || type == kAdoptFetch;
  return type >= kFind && type <= kAdopted && !fences;
}

using Names = std::vector<std::string_view>;

struct Mark {
  MemberId origin = 0;
  std::uint64_t seq = 0;
};
using Marks = std::vector<Mark>;
using Members = std::vector<MemberId>;

// What a SESSION frame says; which members count depends on `op`.
struct SessionOp {
  Op op = Op::kOpen;
  std::string_view nsp;
  std::string_view sid;
  std::string_view pid;
  std::string_view offset;
  std::uint32_t request = 0;
  Names rooms;
  Bytes data;
  // Of a socket that was connected before: as RESTORED said, and what was written to it last.
  std::uint64_t generation = 0;
  Marks marks;
  std::string_view last;
};

struct Find {
  std::uint64_t token = 0;
  std::string_view nsp;
  std::string_view pid;
};

struct Found {
  std::uint64_t token = 0;
  Result result = Result::kUnknownSession;
  std::uint64_t generation = 0;
  std::uint64_t cut = UINT64_MAX;  // of a home that was taken over: up to there its log is sure
  std::string_view sid;
  Names rooms;
  Bytes data;
};

struct Barrier {
  std::uint64_t barrier = 0;
  std::string_view sidecar;
};

struct Replay {
  std::uint64_t token = 0;
  Bytes frames;
};

struct Replayed {
  std::uint64_t token = 0;
  Result result = Result::kUnprovable;
  Marks marks;
  Members suspects;  // should one of them live on, the session is void
};

struct Moved {
  std::uint64_t token = 0;
  bool done = false;
};

struct Fetch {
  std::uint64_t token = 0;
  std::uint64_t barrier = 0;
  std::string_view offset;
  Names sidecars;
};

// Parts of several frames.
void read_names(Reader& reader, Names& names);
void read_marks(Reader& reader, Marks& marks);
void read_members(Reader& reader, Members& members);
void write_names(Writer& writer, const Names& names);
void write_marks(Writer& writer, const Marks& marks);
void write_members(Writer& writer, const Members& members);

// The order at the end of a frame's body; nothing when the body is shorter.
std::optional<Order> read_order(Bytes body);
// `body` has its order behind it.
std::optional<SessionOp> decode_session_op(Bytes body);
std::optional<Find> decode_find(Bytes payload);
std::optional<Found> decode_found(Bytes payload);
std::optional<Barrier> decode_barrier(Bytes payload);
std::optional<Replay> decode_replay(Bytes payload);
std::optional<Replayed> decode_replayed(Bytes payload);
std::optional<Moved> decode_moved(Bytes payload);
std::optional<Fetch> decode_fetch(Bytes payload);

// To the app.
void write_restored(Buffer& out, std::uint32_t request, const Found& session, const Marks& marks);
void write_refusal(Buffer& out, std::uint32_t request, Result why);
void write_replay(Buffer& out, std::uint32_t request, Bytes frames);
void write_close_session(Buffer& out, std::string_view nsp, std::string_view sid);

// Between sidecars.
void write_find(Buffer& out, const Find& find);
void write_found(Buffer& out, const Found& found);
void write_barrier(Buffer& out, LinkType type, const Barrier& barrier);  // kBarrier or kPass
void write_link_replay(Buffer& out, const Replay& replay);
void write_replayed(Buffer& out, const Replayed& replayed);
void write_moved(Buffer& out, const Moved& moved);
void write_fetch(Buffer& out, const Fetch& fetch);

}  // namespace socketmesh::wire::recovery

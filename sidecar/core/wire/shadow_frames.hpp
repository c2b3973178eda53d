// Frames between a home and its shadows, and between a shadow that takes over and everybody else.
// What is inside a COPY is in core/recovery/copy.hpp. Decoders return nothing for a malformed
// payload; views point into it. See docs/protocol.md.
#pragma once

#include "sidecar/core/wire/recovery_frames.hpp"

namespace socketmesh::wire::recovery {

enum ShadowType : std::uint8_t {
  kCopy = 0x51,
  kHolders = 0x52,
  kTakeover = 0x53,
  kTail = 0x54,
  kTailEnd = 0x55,
  kCopyLost = 0x56,
  kGoneOn = 0x57,
};

// What happened in a member's home, in order: whole copy records.
struct Copy {
  MemberId member = 0;
  Bytes records;
};

// Who has a copy of a member's home that is all there. A copy elsewhere counts no more.
struct Holders {
  MemberId member = 0;
  Names sidecars;
};

// How far a sidecar had read a peer's stream.
struct Cursor {
  std::uint64_t epoch = 0;   // the peer's life
  std::uint32_t stream = 0;  // 0: nothing
  std::uint64_t seq = 0;
};

// The sender's copy of a home of `sidecar` (in its life `epoch`) becomes the home. What the
// receiver sent there behind `cursor` may be missing in it, as may what it has from these origins
// above these marks.
struct Takeover {
  std::uint64_t token = 0;
  MemberId member = 0;
  std::string_view sidecar;
  std::uint64_t epoch = 0;
  Cursor cursor;
  Marks marks;
};

// Whether what is in a TAIL was delivered there for all we know.
enum class TailKind : std::uint8_t {
  kSent = 0,    // the receiver of the takeover had written it to that sidecar
  kUnsent = 1,  // it had not
  kHeard = 2,   // it had it from that sidecar
};

struct Tail {
  std::uint64_t token = 0;
  TailKind kind = TailKind::kSent;
  Bytes frames;
};

enum class TailResult : std::uint8_t {
  kComplete = 0,
  kGap = 1,    // not all is kept
  kVoid = 2,   // that sidecar had said that this copy counts no more
  kAlive = 3,  // that sidecar lives; also later, when it is back
  kMember = 4  // that member lives
};
inline constexpr std::uint8_t kLastTailResult = 4;

struct TailEnd {
  std::uint64_t token = 0;
  TailResult result = TailResult::kComplete;
};

// A session was given on by a copy and has this generation by now: an earlier one is void.
struct GoneOn {
  std::string_view nsp;
  std::string_view pid;
  std::uint64_t generation = 0;
};

std::optional<Copy> decode_copy(Bytes payload);
std::optional<Holders> decode_holders(Bytes payload);
std::optional<Takeover> decode_takeover(Bytes payload);
std::optional<Tail> decode_tail(Bytes payload);
std::optional<TailEnd> decode_tail_end(Bytes payload);
// COPY_LOST has the member only: its home's copy is not here, and begins anew.
std::optional<MemberId> decode_copy_lost(Bytes payload);

void write_copy(Buffer& out, const Copy& copy);
void write_holders(Buffer& out, const Holders& holders);
void write_takeover(Buffer& out, const Takeover& takeover);
void write_tail(Buffer& out, const Tail& tail);
void write_tail_end(Buffer& out, const TailEnd& end);
std::optional<GoneOn> decode_gone_on(Bytes payload);
void write_gone_on(Buffer& out, const GoneOn& gone_on);
void write_copy_lost(Buffer& out, MemberId member);

void read_cursor(Reader& reader, Cursor& cursor);
void write_cursor(Writer& writer, const Cursor& cursor);

// Whole, well-formed DATA frames and nothing else.
bool are_data_frames(Bytes bytes);

}  // namespace socketmesh::wire::recovery

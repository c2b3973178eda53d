// Frames by which a sidecar that leaves hands a home over: its sessions first, then, when all peers
// send to the new one as well, its log. Decoders return nothing for a malformed payload; views
// point into it. See docs/protocol.md.
#pragma once

#include "sidecar/core/wire/recovery_frames.hpp"

namespace socketmesh::wire::recovery {

// A home comes: positions of its log begin at `head`. The others are those of one that was taken
// over; UINT64_MAX: it was not.
struct Adopt {
  std::uint64_t token = 0;
  MemberId member = 0;
  std::uint64_t head = 0;
  std::uint64_t told_end = UINT64_MAX;
  std::uint64_t cut = UINT64_MAX;
  std::uint64_t after = UINT64_MAX;
  Members suspects;
};

struct RoomChange {
  std::uint64_t at = 0;
  bool join = false;
  std::string_view room;
};

struct AdoptSession {
  std::uint64_t token = 0;
  std::string_view nsp;
  std::string_view sid;
  std::string_view pid;
  std::uint64_t generation = 0;
  std::uint64_t left_us = 0;  // until it expires
  std::uint64_t start = 0;
  std::string_view base;
  std::string_view last;
  std::uint64_t last_position = 0;
  std::uint64_t lent = UINT64_MAX;
  Members suspects;
  bool doomed = false;
  Names rooms;
  std::vector<RoomChange> changes;
  Marks marks;
  Bytes data;
  Bytes carried;  // whole DATA frames
};

struct AdoptFetch {
  std::uint64_t token = 0;
  std::uint64_t barrier = 0;
  Names sidecars;
};

// An entry of a log; no frame: a gap.
struct LogEntry {
  std::uint64_t age_us = 0;
  Bytes frame;
};

struct AdoptLog {
  std::uint64_t token = 0;
  std::uint64_t first = 0;  // position of the first entry; what is missing before it was evicted
  std::vector<LogEntry> entries;
};

struct AdoptEnd {
  std::uint64_t token = 0;
  Result result = Result::kRestored;  // or kAgain: begin again with a new barrier
  Marks marks;
};

std::optional<Adopt> decode_adopt(Bytes payload);
std::optional<AdoptSession> decode_adopt_session(Bytes payload);
// ADOPT_READY has the token only, ADOPTED a token and whether it is adopted, as MOVED.
std::optional<std::uint64_t> decode_adopt_ready(Bytes payload);
std::optional<AdoptFetch> decode_adopt_fetch(Bytes payload);
std::optional<AdoptLog> decode_adopt_log(Bytes payload);
std::optional<AdoptEnd> decode_adopt_end(Bytes payload);

void write_adopt(Buffer& out, const Adopt& adopt);
void write_adopt_session(Buffer& out, const AdoptSession& session);
void write_adopt_ready(Buffer& out, std::uint64_t token);
void write_adopt_fetch(Buffer& out, const AdoptFetch& fetch);
void write_adopt_log(Buffer& out, const AdoptLog& log);
void write_adopt_end(Buffer& out, const AdoptEnd& end);
void write_adopted(Buffer& out, const Moved& adopted);

}  // namespace socketmesh::wire::recovery

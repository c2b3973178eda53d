// Frames between an adapter and its sidecar, DATA left out. Decoders return nothing for a malformed
// payload; views point into it.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/core/wire/frame.hpp"
#include "sidecar/core/wire/member_id.hpp"

namespace socketmesh::wire::app {

inline constexpr std::uint8_t kProtocolVersion = 1;

enum Type : std::uint8_t {
  kAttach = 0x01,
  kNspOpen = 0x02,
  kNspClose = 0x03,
  kInterest = 0x04,
  kSync = 0x05,
  kTaken = 0x06,
  kDetach = 0x07,
  kPong = 0x08,
  kReady = 0x09,
  kLeave = 0x0a,
  kWelcome = 0x21,
  kRefused = 0x22,
  kMemberUp = 0x23,
  kMemberDown = 0x24,
  kPresence = 0x25,
  kRouted = 0x26,
  kTakenBack = 0x27,
  kSynced = 0x28,
  kGap = 0x29,
  kPing = 0x2a,
};

enum class Refusal : std::uint16_t {
  kVersion = 1,
  kMeshName = 2,
  kParser = 3,
  kProtocol = 4,
  kLimit = 5,
  kLeaving = 6,
  kDuplicate = 7,
  kRecovery = 8,
};

enum class DownReason : std::uint8_t { kLeft = 1, kDied = 2, kUnreachable = 3 };
enum class GapReason : std::uint8_t {
  kMemberQueue = 1,
  kLinkWindow = 2,
  kHoldEnded = 3,
  kStreamLost = 4
};

struct KnownSidecar {
  std::string_view sidecar;
  std::vector<MemberId> members;
};

struct Attach {
  std::uint8_t min_version = 0;
  std::uint8_t max_version = 0;
  MemberId member = 0;
  std::string_view name;
  std::string_view parser;
  std::string_view mesh;
  std::vector<KnownSidecar> known;
  bool recovery = false;         // the server recovers connection state
  std::uint16_t attachment = 0;  // its own number for this one
  // What it has taken of each origin, by the highest sequence.
  std::vector<std::pair<MemberId, std::uint64_t>> taken;
};

struct InterestOp {
  bool add = false;
  std::string_view room;
};

struct Interest {
  std::string_view nsp;
  std::vector<InterestOp> ops;
};

std::optional<Attach> decode_attach(Bytes payload);
std::optional<std::string_view> decode_nsp(Bytes payload);
bool decode_interest(Bytes payload, Interest& interest);

// `recovery_window_ms` 0: recovery is off.
void write_welcome(Buffer& out, std::uint64_t epoch, std::string_view sidecar,
                   std::string_view mesh, std::int64_t recovery_window_ms = 0);
void write_refused(Buffer& out, Refusal code, std::string_view message);
void write_member_up(Buffer& out, MemberId member, std::string_view sidecar, std::string_view name,
                     const std::vector<std::string_view>& namespaces);
void write_member_down(Buffer& out, MemberId member, DownReason reason);
void write_presence(Buffer& out, MemberId member, bool present, std::string_view nsp);
void write_routed(Buffer& out, std::uint64_t seq, const std::vector<MemberId>& members);
void write_taken(Buffer& out, std::uint64_t seq);
void write_synced(Buffer& out, std::uint32_t id, bool complete);
void write_gap(Buffer& out, std::uint64_t frames, std::uint64_t messages, GapReason reason,
               std::string_view where);
void write_ping(Buffer& out, std::uint64_t token);

}  // namespace socketmesh::wire::app

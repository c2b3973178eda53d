// The app protocol of docs/protocol.md, version 1, as an adapter sees it: frames it writes, frames
// it reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/bytes.hpp"

namespace socketmesh::sim {

inline constexpr std::uint8_t kFlagVolatile = 0x01;
inline constexpr std::uint8_t kFlagRouted = 0x02;
inline constexpr std::uint8_t kFlagProvisional = 0x04;
inline constexpr std::uint8_t kFlagRelease = 0x20;

enum class Route : std::uint8_t { kRooms = 0, kNamespace = 1, kMember = 2, kMesh = 3 };

enum class Kind : std::uint8_t {
  kBroadcast = 1,
  kBroadcastAck = 2,
  kSocketsJoin = 3,
  kSocketsLeave = 4,
  kDisconnectSockets = 5,
  kFetchSockets = 6,
  kServerSideEmit = 7,
  kResponse = 8,
  kGap = 9,
  kJoined = 10,
};

enum class AppType : std::uint8_t {
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
  kData = 0x40,
};

enum class SidecarType : std::uint8_t {
  kWelcome = 0x21,
  kRefused = 0x22,
  kMemberUp = 0x23,
  kMemberDown = 0x24,
  kPresence = 0x25,
  kRouted = 0x26,
  kTaken = 0x27,
  kSynced = 0x28,
  kGap = 0x29,
  kPing = 0x2a,
  kData = 0x40,
};

struct Data {
  std::uint8_t flags = 0;
  Route route = Route::kRooms;
  Kind kind = Kind::kBroadcast;
  MemberId origin = 0;
  std::uint64_t seq = 0;
  std::string nsp;
  std::vector<std::string> rooms;
  std::vector<std::string> except;
  std::vector<std::string> joins;
  MemberId destination = 0;
  std::string body;
};

// Every field that some frame from the sidecar has; which ones count depends on the type.
struct FromSidecar {
  SidecarType type{};
  std::uint8_t version = 0;
  std::uint8_t op = 0;      // PRESENCE
  std::uint8_t reason = 0;  // MEMBER_DOWN, GAP
  std::uint8_t status = 0;  // SYNCED
  std::uint16_t code = 0;   // REFUSED
  std::uint32_t id = 0;     // SYNCED
  std::uint32_t max_frame_bytes = 0;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;                   // ROUTED, TAKEN
  std::uint64_t token = 0;                 // PING
  std::uint64_t frames = 0, messages = 0;  // GAP
  MemberId member = 0;
  std::string sidecar, mesh, name, text;  // text: message, namespace or where
  std::vector<std::string> namespaces;
  std::vector<MemberId> members;
  Data data;
};

// Remote members that an attaching app knows, by sidecar.
using KnownPeers = std::vector<std::pair<std::string, std::vector<MemberId>>>;

struct Attach {
  std::uint8_t min_version = 1;
  std::uint8_t max_version = 1;
  MemberId member = 0;
  std::string name;
  std::string parser;
  std::string mesh;
  KnownPeers known;
};

std::string encode_attach(const Attach& attach);
std::string encode_text(AppType type, std::string_view nsp);  // NSP_OPEN, NSP_CLOSE
std::string encode_interest(std::string_view nsp, bool add, const std::vector<std::string>& rooms);
std::string encode_u32(AppType type, std::uint32_t value);  // SYNC
std::string encode_u64(AppType type, std::uint64_t value);  // TAKEN, PONG
std::string encode_empty(AppType type);                     // DETACH, READY, LEAVE
std::string encode_data(const Data& data);

// Throws MalformedFrame.
FromSidecar decode_from_sidecar(Bytes frame);
Data decode_data(Bytes frame);

}  // namespace socketmesh::sim

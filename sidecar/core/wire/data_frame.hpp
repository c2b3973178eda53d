// The DATA frame: what an adapter publishes, carried unchanged from app to app. See
// docs/protocol.md.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sidecar/core/wire/frame.hpp"
#include "sidecar/core/wire/member_id.hpp"

namespace socketmesh::wire {

inline constexpr std::size_t kDataHeadBytes = 28;

enum DataFlag : std::uint8_t {
  kVolatile = 0x01,
  kWantsRouted = 0x02,
  kProvisional = 0x04,
  kRelease = 0x20,
  kLogged = 0x40,  // recovery: a broadcast with an offset; its body ends with its order
  kHome = 0x80,    // recovery: for the own sidecar alone; its body ends with its order
};
// Frames that a sidecar must look into one by one.
inline constexpr std::uint8_t kAloneFlags = kWantsRouted | kProvisional | kRelease | kHome;

enum class RouteKind : std::uint8_t { kRooms = 0, kNamespace = 1, kMember = 2, kMesh = 3 };
inline constexpr std::uint8_t kLastRouteKind = 3;

// Views into a frame; valid as long as its bytes.
struct DataFrame {
  std::uint8_t flags = 0;
  RouteKind route_kind = RouteKind::kRooms;
  MemberId origin = 0;
  std::uint64_t seq = 0;
  Bytes route;
  Bytes body;
};

inline constexpr std::uint8_t kBroadcastKind = 1;
inline constexpr std::uint8_t kSessionKind = 11;
// The kind of a publisher's own GAP, the one that is not a single message: its body begins with
// the number of those that it stands for.
inline constexpr std::uint8_t kGapKind = 9;

// Messages that whole DATA frames stand for, when they have to be declared lost.
std::uint64_t message_count(Bytes frames);

// Reads the head of a whole frame (length field included). Nothing when it is shorter than it says
// or of no known route kind.
inline std::optional<DataFrame> parse_data(Bytes frame) {
  if (frame.size() < kDataHeadBytes) return std::nullopt;
  const std::uint32_t route_bytes = load<std::uint32_t>(frame.data() + 8);
  if (route_bytes > frame.size() - kDataHeadBytes || frame[6] > kLastRouteKind) return std::nullopt;
  DataFrame data;
  data.flags = frame[5];
  data.route_kind = static_cast<RouteKind>(frame[6]);
  data.origin = load<std::uint64_t>(frame.data() + 12);
  data.seq = load<std::uint64_t>(frame.data() + 20);
  data.route = frame.subspan(kDataHeadBytes, route_bytes);
  data.body = frame.subspan(kDataHeadBytes + route_bytes);
  return data;
}

// What a route section says. Reused from frame to frame so that its vectors keep their memory.
struct Route {
  std::string_view nsp;
  std::vector<std::string_view> rooms;
  std::vector<std::string_view> joins;
  MemberId destination = 0;
};

// Reads the route section of `data` into `route`; false when it is malformed. `except` is checked
// and left out: it never routes.
bool parse_route(const DataFrame& data, Route& route);

}  // namespace socketmesh::wire

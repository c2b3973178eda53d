// The HTTP exchange that begins a WebSocket (RFC 6455, section 4), without I/O. Parsing is Beast's.
//
// A request with an Origin header comes from a web page, which must not reach these ports: refused.
// Extensions and subprotocols are not taken up. Pure; not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::dropin::ws {

using wire::Bytes;

// Bytes of the longest head of a request or response.
inline constexpr std::size_t kUpgradeBytesMax = 8192;

// What has come of a head. `used` bytes are the head's, the rest belongs to what follows.
struct UpgradeRequest {
  enum class Is : std::uint8_t { kPartial, kGood, kBad };
  Is is = Is::kPartial;
  std::size_t used = 0;
  std::string target;  // as it stands in the request line
  std::string key;
  int status = 400;  // of the answer to a bad one
  std::string problem;
};
UpgradeRequest read_request(Bytes bytes);
// The answer that makes a WebSocket of it, and the one that does not.
std::string accept_response(std::string_view key);
std::string refuse_response(int status, std::string_view text);

// `nonce` is sixteen bytes.
std::string key_of(Bytes nonce);
std::string request(std::string_view host, std::string_view target, std::string_view key);
struct UpgradeResponse {
  UpgradeRequest::Is is = UpgradeRequest::Is::kPartial;
  std::size_t used = 0;
  std::string problem;
};
UpgradeResponse read_response(Bytes bytes, std::string_view key);

}  // namespace socketmesh::dropin::ws

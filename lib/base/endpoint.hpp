// Where something listens or is reached: a TCP host and port, or a Unix socket.
//
// Value types, parsed without resolving anything: a host is an IPv4 address, an IPv6 address
// (written in brackets, stored without) or a DNS name. Pure functions; errors say what is wrong.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "lib/base/expected.hpp"

namespace socketmesh {

struct TcpEndpoint {
  std::string host;
  std::uint16_t port = 0;  // 0: any free port (listeners only)

  // 127.0.0.0/8, ::1, their v4-mapped forms, and the name localhost.
  [[nodiscard]] bool is_loopback() const;
  // 0.0.0.0 or ::, which listen on every address.
  [[nodiscard]] bool is_wildcard() const;
  // Whether the host is an address rather than a name to resolve.
  [[nodiscard]] bool is_address() const;
  // "host:port", "[v6]:port".
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const TcpEndpoint&) const = default;
};

struct UnixEndpoint {
  std::string path;  // absolute, at most kUnixPathBytesMax

  [[nodiscard]] std::string to_string() const { return "unix:" + path; }

  auto operator<=>(const UnixEndpoint&) const = default;
};

inline constexpr std::size_t kUnixPathBytesMax = 107;  // sockaddr_un, less its final zero

using Endpoint = std::variant<TcpEndpoint, UnixEndpoint>;

std::string to_string(const Endpoint& endpoint);

// "host:port", "[::1]:7400".
Expected<TcpEndpoint> parse_tcp_endpoint(std::string_view text);
// "unix:/path", "tcp://host:port", or "host:port".
Expected<Endpoint> parse_endpoint(std::string_view text);

// Whether listening on both fails: the same port (not 0), and one address covers the other.
bool listeners_collide(const TcpEndpoint& a, const TcpEndpoint& b);

}  // namespace socketmesh

#include "lib/base/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"

namespace socketmesh {
namespace {

constexpr std::size_t kHostBytesMax = 253;  // DNS
constexpr std::size_t kLabelBytesMax = 63;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_dns_label(std::string_view label) {
  if (label.empty() || label.size() > kLabelBytesMax) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool is_dns_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);  // an absolute name
  if (name.empty() || name.size() > kHostBytesMax) return false;
  std::string_view last;
  while (true) {
    const std::size_t dot = name.find('.');
    last = name.substr(0, dot);
    if (!is_dns_label(last)) return false;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  // A name whose last label is a number is a mistyped IPv4 address.
  return !std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Unexpected<std::string> complaint(std::string_view text, const std::string& reason) {
  return Unexpected{in_quotes(text) + " " + reason};
}

}  // namespace

bool TcpEndpoint::is_loopback() const {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24U) == 127;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
}

bool TcpEndpoint::is_wildcard() const {
  if (host == "0.0.0.0") return true;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6) != 0;
}

bool TcpEndpoint::is_address() const {
  return is_ipv4(host) || is_ipv6(host);
}

std::string TcpEndpoint::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string to_string(const Endpoint& endpoint) {
  return std::visit([](const auto& e) { return e.to_string(); }, endpoint);
}

Expected<TcpEndpoint> parse_tcp_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return complaint(text, "has no port; write host:port");
  std::string_view host = text.substr(0, colon);
  const auto port = parse_uint(text.substr(colon + 1), 65535);
  if (!port) return complaint(text, "has no valid port; a port is a number from 0 to 65535");

  TcpEndpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(*port);
  if (host.starts_with('[') && host.ends_with(']')) {
    endpoint.host = host.substr(1, host.size() - 2);
    if (!is_ipv6(endpoint.host)) return complaint(text, "has no valid IPv6 address in brackets");
    return endpoint;
  }
  endpoint.host = host;
  if (host.empty()) return complaint(text, "has no host; 0.0.0.0 listens on every address");
  if (host.find(':') != std::string_view::npos) {
    return complaint(text, "is ambiguous; write an IPv6 address in brackets, as [::1]:7400");
  }
  if (!is_ipv4(endpoint.host) && !is_dns_name(host)) {
    return complaint(text, "has no valid host name or address");
  }
  return endpoint;
}

Expected<Endpoint> parse_endpoint(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kTcp = "tcp://";
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    if (!path.starts_with('/') || path.ends_with('/')) {
      return complaint(text, "is no socket path; write an absolute one, as unix:/run/app.sock");
    }
    if (path.size() > kUnixPathBytesMax) {
      return complaint(text, "is too long for a Unix socket; at most " +
                                 std::to_string(kUnixPathBytesMax) + " bytes");
    }
    if (path.find('\0') != std::string_view::npos) return complaint(text, "contains a zero byte");
    return Endpoint{UnixEndpoint{std::string(path)}};
  }
  if (text.starts_with(kTcp)) text.remove_prefix(kTcp.size());
  auto tcp = parse_tcp_endpoint(text);
  if (!tcp) return Unexpected{std::move(tcp).error()};
  return Endpoint{std::move(tcp).value()};
}

bool listeners_collide(const TcpEndpoint& a, const TcpEndpoint& b) {
  if (a.port != b.port || a.port == 0) return false;
  return a.host == b.host || a.is_wildcard() || b.is_wildcard();
}

}  // namespace socketmesh

#include "sidecar/shell/config_values.hpp"

#include <algorithm>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"
#include "lib/kube/in_cluster.hpp"
#include "sidecar/shell/config.hpp"

namespace socketmesh::config {
namespace {

constexpr std::uint64_t kMemoryMin = kMiB;
constexpr std::uint64_t kMemoryMax = 64 * 1024 * kMiB;

}  // namespace

Expected<std::string> parse_mesh_name(std::string_view text) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  const bool good = !text.empty() && text.size() <= kMeshNameBytesMax && letter(text.front()) &&
                    text.back() != '-' && std::all_of(text.begin(), text.end(), inner);
  if (good) return std::string(text);
  return Unexpected{in_quotes(text) + " is no mesh name: lower-case letters, digits and '-', " +
                    "beginning with a letter, not ending in '-', at most " +
                    std::to_string(kMeshNameBytesMax) + " characters"};
}

Expected<std::string> parse_mesh_id(std::string_view text) {
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (!text.empty() && text.size() <= kMeshIdBytesMax &&
      std::all_of(text.begin(), text.end(), printable)) {
    return std::string(text);
  }
  return Unexpected{in_quotes(text) + " is no sidecar id: 1 to " + std::to_string(kMeshIdBytesMax) +
                    " printable characters without spaces"};
}

Expected<std::string> parse_path(std::string_view text) {
  if (text.empty()) return Unexpected{"is an empty path"};
  return std::string(text);
}

Expected<TcpEndpoint> parse_peer(std::string_view text) {
  auto peer = parse_tcp_endpoint(text);
  if (!peer) return peer;
  if (peer->port == 0) return Unexpected{in_quotes(text) + " has port 0, which cannot be dialled"};
  if (peer->is_wildcard()) {
    return Unexpected{in_quotes(text) + " is every address, which cannot be dialled"};
  }
  return peer;
}

Expected<Endpoint> parse_app_listen(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) return endpoint;
  const auto* tcp = std::get_if<TcpEndpoint>(&*endpoint);
  if (tcp != nullptr && !tcp->is_loopback()) {
    return Unexpected{in_quotes(text) + " is reachable from elsewhere, and apps attach without " +
                      "authentication; use a unix: path or a loopback address"};
  }
  return endpoint;
}

Expected<std::string> parse_namespace(std::string_view text) {
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) {
    return Unexpected{in_quotes(text) + " is no namespace: it has a space in it"};
  }
  return kube::parse_namespace(text);
}

Expected<std::string> parse_service(std::string_view text) {
  return kube::parse_service_name(text);
}

Expected<std::string> parse_account(std::string_view text) {
  if (!text.starts_with('/')) return Unexpected{in_quotes(text) + " is no absolute path"};
  return std::string(text);
}

Expected<obs::LogLevel> parse_level(std::string_view text) {
  if (const auto level = obs::parse_log_level(text)) return *level;
  return Unexpected{in_quotes(text) + " is no level; one of debug, info, warn, error"};
}

Expected<obs::LogFormat> parse_format(std::string_view text) {
  if (const auto format = obs::parse_log_format(text)) return *format;
  return Unexpected{in_quotes(text) + " is no format; text or json"};
}

Expected<std::uint64_t> parse_memory(std::string_view text) {
  auto size = parse_size(text);
  if (size && (*size < kMemoryMin || *size > kMemoryMax)) {
    return Unexpected{in_quotes(text) + " is out of range: " + format_size(kMemoryMin) + " to " +
                      format_size(kMemoryMax)};
  }
  return size;
}

Expected<int> parse_replicas(std::string_view text) {
  const auto value = parse_uint(text);
  if (!value || *value > kReplicasMax)
    return Unexpected{in_quotes(text) + " is out of range: 0 to " + std::to_string(kReplicasMax)};
  return static_cast<int>(*value);
}

Expected<std::string> parse_node_name(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.empty() || text.size() > kNodeNameBytesMax || !printable)
    return Unexpected{in_quotes(text) + ": a node's name has 1 to " +
                      std::to_string(kNodeNameBytesMax) + " printable characters"};
  return std::string(text);
}

std::function<Expected<milliseconds>(std::string_view)> duration_between(milliseconds min,
                                                                         milliseconds max) {
  return [min, max](std::string_view text) -> Expected<milliseconds> {
    auto value = parse_duration(text);
    if (value && (*value < min || *value > max)) {
      return Unexpected{in_quotes(text) + " is out of range: " + format_duration(min) + " to " +
                        format_duration(max)};
    }
    return value;
  };
}

}  // namespace socketmesh::config
